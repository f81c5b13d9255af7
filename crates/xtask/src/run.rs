//! Running commands in the root of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Where Cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    let dir = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(dir)
}

/// A command that is to run in the root.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    // Set by the `cargo run` that started this program. Some build scripts watch them and would run
    // again whenever the same command is given by hand.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs the command in full view.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{status} from\n  {}", shown(command))),
        Err(error) => Err(format!("{error} from\n  {}", shown(command))),
    }
}

/// Becomes the command where the system knows how, so that Ctrl-C and the result are the command's
/// own; else runs it.
pub(crate) fn become_(command: &mut Command) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let error = command.exec();
        Err(format!("{error} from\n  {}", shown(command)))
    }
    #[cfg(not(unix))]
    run(command)
}

/// What the command prints, if it succeeds; what it complains about goes nowhere.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether the search path has such a program.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(command.get_args().map(|arg| quoted(&arg.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("cargo");
        command.args(["test", "-Dwarnings", "two words", "it's", ""]);
        command.env("FLAGS", "-a -b").env_remove("GONE");
        assert_eq!(
            shown(&command),
            r"FLAGS='-a -b' cargo test -Dwarnings 'two words' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_failure_names_the_command() {
        assert_eq!(run(&mut command("sh", &["-c", "exit 0"])), Ok(()));
        let error = run(&mut command("sh", &["-c", "exit 3"])).unwrap_err();
        assert!(error.ends_with("sh -c 'exit 3'"), "{error}");
        let error = run(&mut command("beanwire-no-such-program", &["x"])).unwrap_err();
        assert!(error.ends_with("beanwire-no-such-program x"), "{error}");
    }

    #[test]
    fn the_root_is_the_one_of_the_workspace() {
        assert!(root().join("Cargo.toml").is_file());
        assert!(root().join("crates/xtask").is_dir());
    }

    #[test]
    fn programs_are_looked_for_by_name() {
        assert!(installed("sh"));
        assert!(!installed("beanwire-no-such-program"));
        assert_eq!(output(&mut command("echo", &["hello"])).as_deref(), Some("hello"));
        assert_eq!(output(&mut command("sh", &["-c", "exit 1"])), None);
    }
}
