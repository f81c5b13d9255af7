//! `completions` and `man`.

use beanwire_tests::TempDir;

use crate::support::run;

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = run("", &["completions", shell]).ok();
        for word in ["resurrect", "drain-check", "older-than"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = run("", &["man"]).ok();
    assert!(page.contains("drain\\-check") && page.contains("Exit codes"), "{page}");
    let page = run("", &["man", "resurrect", "kick"]).ok();
    assert!(page.contains("\\-\\-older\\-than"), "{page}");
    let error = run("", &["man", "nothing"]).fails(2);
    assert_eq!(error, "error: there is no command beanwire nothing\n");
    let dir = TempDir::new();
    let path = dir.path().join("man1");
    run("", &["man", "--dir", path.to_str().unwrap()]).ok();
    for name in ["beanwire", "beanwire-put", "beanwire-resurrect-delete"] {
        let page = std::fs::read_to_string(path.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
}

#[test]
fn they_work_whatever_the_environment_says() {
    assert!(run("http://nonsense", &["completions", "bash"]).ok().contains("beanwire"));
}
