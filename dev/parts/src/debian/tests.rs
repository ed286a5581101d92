//! The machine's source with the suite swapped, in both forms.

use super::*;

const STANZAS: &str = "\
Types: deb deb-src
# a remark
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib non-free
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
";

#[test]
fn the_enabled_stanza_of_the_archive_is_swapped_and_keeps_its_key() {
    let swapped = deb822(STANZAS).unwrap();
    assert_eq!(
        swapped,
        "Types: deb\nURIs: http://mirror.example/debian/\nSuites: sid\nComponents: main\n\
         Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    );
}

#[test]
fn a_stanza_of_another_archive_is_no_source() {
    assert_eq!(deb822("Types: deb\nURIs: http://a.example/ubuntu\nSuites: noble\nComponents: main\n"), None);
    assert_eq!(
        deb822("Types: deb-src\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n"),
        None
    );
    assert_eq!(deb822(""), None);
}

#[test]
fn a_one_line_source_keeps_its_options() {
    let text = "# deb http://off.example/debian bookworm main\n\
                deb-src http://mirror.example/debian bookworm main\n\
                deb http://mirror.example/debian-security bookworm-security main\n\
                deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main contrib\n";
    assert_eq!(
        one_line(text).unwrap(),
        "deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian sid main\n"
    );
    assert_eq!(
        one_line("deb\thttp://m.example/debian bookworm main").unwrap(),
        "deb http://m.example/debian sid main\n"
    );
    assert_eq!(one_line("deb http://m.example/ubuntu noble main"), None);
}
