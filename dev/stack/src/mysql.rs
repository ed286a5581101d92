//! MySQL as processes of ours: a primary and the server that will be its replica.
//!
//! The data directory is initialised once per version into the cache; a start copies it. Copies bring
//! neither a server id (`auto.cnf`) nor keys along: each server makes its own certificates.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use parts::{Cache, MysqlServer, Wait};

use crate::accounts::{connect, random_hex};
use crate::ports::free_port;
use crate::proc::{Proc, Spec};
use crate::registry::Registry;
use crate::server::{Server, escaped};

/// What we recommend to operators too, each for a wait or work that it spares (decisions 8 and 9); durability is not touched.
pub(crate) const RECOMMENDED: [&str; 4] = [
    "loose-innodb-native-foreign-keys=ON",
    "innodb-log-writer-threads=ON",
    "innodb-io-capacity=1000",
    "innodb-io-capacity-max=2000",
];

/// Durable and plain: fsync and binlog as MySQL sets them, small memory, on loopback; the accounts themselves ask for TLS.
const SETTINGS: &str = "\
bind-address = 127.0.0.1
mysqlx = OFF
skip-name-resolve = ON
local-infile = OFF
secure-file-priv = NULL
max-connections = 500
innodb-buffer-pool-size = 256M
innodb-flush-log-at-trx-commit = 1
sync-binlog = 1
gtid-mode = ON
enforce-gtid-consistency = ON
log-bin = binlog
relay-log = relay
default-time-zone = '+00:00'
log-error-suppression-list = 'MY-010068,MY-011810,MY-013360'
";
const START_LIMIT: Duration = Duration::from_secs(90);
/// A primary waits up to ten seconds for the connection of its replica to end. Its data goes with the stack,
/// so it need not be given them.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// A running server.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) proc: Proc,
    pub(crate) server: Server,
    pub(crate) port: u16,
    pub(crate) ca: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    Replica,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Primary => "mysql-primary",
            Self::Replica => "mysql-replica",
        }
    }

    fn id(self) -> u32 {
        match self {
            Self::Primary => 1,
            Self::Replica => 2,
        }
    }
}

impl Node {
    /// Starts a fresh server below `stack_dir` and waits until its administrator can log in.
    pub(crate) async fn start(
        program: &MysqlServer,
        role: Role,
        stack_dir: &Path,
        registry: &Registry,
        further: &str,
    ) -> Result<Self> {
        let dir = stack_dir.join(role.name());
        let data = dir.join("data");
        let (of, to) = (program.clone(), data.clone());
        tokio::task::spawn_blocking(move || copy_template(&template(&of)?, &to)).await??;
        let port = free_port()?;
        let password = random_hex(16)?;
        let config = write_config(&dir, role, port, further)?;
        let boot = dir.join("boot.sql");
        write_private(&boot, &boot_sql(&password))?;

        let mut defaults = OsString::from("--defaults-file=");
        defaults.push(&config);
        let mut command = program.command(&[defaults]);
        command.arg(format!("--init-file={}", boot.display()));
        if role == Role::Replica {
            // it becomes read only when it follows; a restart by hand would be read only from the start
            command.args(["--read-only=OFF", "--super-read-only=OFF"]);
        }
        as_user(&mut command);
        let log = stack_dir.join("logs").join(format!("{}.log", role.name()));
        let proc = Proc::start(Spec { name: role.name(), command, log, registry: Some(registry) })?;
        let ca = data.join("ca.pem");
        let query = format!("ssl-mode=VERIFY_CA&ssl-ca={}", escaped(&ca));
        let server = Server::new(format!("127.0.0.1:{port}"), format!("root:{password}"), query);
        let mut node = Self { proc, server, port, ca };
        node.wait_for_login().await?;
        fs::remove_file(&boot).with_context(|| format!("removing {}", boot.display()))?;
        Ok(node)
    }

    async fn wait_for_login(&mut self) -> Result<()> {
        let until = Instant::now() + START_LIMIT;
        loop {
            if connect(&self.server.root_url("")).await.is_ok() {
                return Ok(());
            }
            self.proc.still_starting(until, "a login of its administrator")?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.proc.terminate(STOP_LIMIT).await.map(drop)
    }
}

/// An initialised data directory of this version, made once.
fn template(program: &MysqlServer) -> Result<PathBuf> {
    let wait = Wait::start("MySQL");
    let place = Cache::of_user()?.part(&format!("mysql-data-{}-1", program.version()), &wait, |dir| {
        wait.step("initialising a data directory, once per version");
        initialise(program, &dir.join("data")).map_err(|e| format!("{e:#}"))
    });
    Ok(place?.join("data"))
}

fn initialise(program: &MysqlServer, data: &Path) -> Result<()> {
    let mut command = program.command(&["--no-defaults".into()]);
    command
        .args(["--initialize-insecure", "--auto-generate-certs=OFF"])
        .arg(format!("--datadir={}", data.display()));
    command.arg("--caching-sha2-password-auto-generate-rsa-keys=OFF");
    as_user(&mut command);
    let done = command.stdin(std::process::Stdio::null()).output().context("starting mysqld --initialize")?;
    if !done.status.success() {
        bail!(
            "mysqld --initialize ended with {}: {}",
            done.status,
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    // one server id a server
    fs::remove_file(data.join("auto.cnf")).context("removing auto.cnf of the template")
}

fn copy_template(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_template(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}

/// Of two settings the later one counts, so `further` ones go before those that a role is made of.
fn write_config(dir: &Path, role: Role, port: u16, further: &str) -> Result<PathBuf> {
    let data = dir.join("data");
    // the socket's name is relative to the data directory: the full path may be longer than a socket may have
    let mut text = format!(
        "[mysqld]\ndatadir = {data}\nsocket = mysql.sock\npid-file = {data}/mysql.pid\nport = {port}\n\
         server-id = {id}\nreport-host = 127.0.0.1\n{SETTINGS}{recommended}\n{further}",
        data = data.display(),
        id = role.id(),
        recommended = RECOMMENDED.join("\n"),
    );
    if role == Role::Replica {
        text.push_str("read-only = ON\nsuper-read-only = ON\n");
    }
    let path = dir.join("my.cnf");
    write_private(&path, &text)?;
    Ok(path)
}

/// Run by the server itself before it takes connections; not part of what is replicated.
fn boot_sql(password: &str) -> String {
    format!(
        "SET sql_log_bin = 0;\n\
         ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n\
         CREATE USER 'root'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;\n\
         GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
    )
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("writing {}", path.display()))?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}

/// mysqld refuses to run as root unless it is told so in words.
fn as_user(command: &mut std::process::Command) {
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
}
