//! Jars with all they need, by Maven's own client.

use std::fs;
use std::path::Path;

use crate::run::{on_path, output, tied};
use crate::wait::Wait;

/// The version is named, since the default of an old Maven is ten years old.
const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// Copies `jars` (`group:artifact:version`) and what they depend on into `dir`.
pub(crate) fn copy_jars(dir: &Path, jars: &[&str], wait: &Wait) -> Result<(), String> {
    on_path("mvn").ok_or("mvn is not on PATH")?;
    fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let pom = dir.with_file_name("pom.xml");
    fs::write(&pom, pom_of(jars)?).map_err(|e| format!("{}: {e}", pom.display()))?;
    wait.step("downloading jars");
    let mut maven = tied("mvn");
    maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom).arg(PLUGIN);
    let mut target = std::ffi::OsString::from("-DoutputDirectory=");
    target.push(dir);
    output(maven.arg(target), "mvn copy-dependencies")?;
    Ok(())
}

fn pom_of(jars: &[&str]) -> Result<String, String> {
    let mut dependencies = Vec::new();
    for jar in jars {
        let parts: Vec<&str> = jar.split(':').collect();
        let [group, artifact, version] = parts[..] else {
            return Err(format!("{jar} is not group:artifact:version"));
        };
        dependencies.push(format!(
            "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        ));
    }
    let dependencies = dependencies.concat();
    Ok(format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>dev</groupId>\n  <artifactId>parts</artifactId>\n  <version>1</version>\n  \
         <packaging>pom</packaging>\n  <dependencies>\n{dependencies}  </dependencies>\n</project>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pom_names_every_jar() {
        let pom = pom_of(&["a.b:c:1", "d:e:2"]).unwrap();
        assert!(pom.contains("<groupId>a.b</groupId><artifactId>c</artifactId><version>1</version>"));
        assert_eq!(pom.matches("<dependency>").count(), 2);
        assert!(pom_of(&["a:b"]).is_err());
    }
}
