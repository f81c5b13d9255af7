//! The npm package: building it, running its demo, testing it; and the component in Node.js.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{become_, command, output, root, run, target_dir};

/// The tools that build and check the package.
const TOOLS: &str = "npm";

/// The package.
const PACKAGE: &str = "npm/beanwire";

/// How the command line in it is built; the binding's build names the same.
const PROFILE: &str = "node";

/// The tests of the WebAssembly component in Node.js.
const COMPONENT: &str = "npm/component/test";

/// What `engines` of the tools asks for.
const OLDEST: (u32, u32) = (20, 17);

/// The versions of Node.js that the packed package is tested with.
const VERSIONS: [&str; 3] = ["20", "22", "24"];

/// For the tests of one folder, which take a minute at most.
const PATIENCE: &str = "5m";

/// Installs the tools, and every version of Node.js that the tests want.
pub(crate) fn setup() -> Result<(), String> {
    tools()?;
    for version in VERSIONS {
        let dir = nodes().join(version);
        if !binary(version).is_file() {
            project_with_node(&dir, version)
                .map_err(|error| format!("{}: {error}", dir.display()))?;
            run(command("npm", &["install", "--no-audit", "--no-fund", "--prefix"]).arg(&dir))?;
        }
    }
    Ok(())
}

/// A project that depends on the npm package `node`, which fetches the binary when it is installed.
fn project_with_node(dir: &Path, version: &str) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let manifest = format!(
        r#"{{"private": true, "dependencies": {{"node": "{version}"}}, "allowScripts": {{"node": true}}}}"#
    );
    fs::write(dir.join("package.json"), manifest)
}

/// Builds the package, ready to be used from where it is and to be packed.
pub(crate) fn build() -> Result<(), String> {
    build_quietly()?;
    run(&mut command("node", &["npm/sizes.js"]))
}

/// Runs the demo of the package.
pub(crate) fn demo(args: &[&str]) -> Result<(), String> {
    build_quietly()?;
    become_(command("node", &["npm/beanwire/examples/demo.js"]).args(args))
}

/// Runs every test of the package.
pub(crate) fn test() -> Result<(), String> {
    build()?;
    let package = Path::new(PACKAGE);
    for version in VERSIONS {
        println!("Node.js {version}");
        suite(&binary(version), &package.join("test"))?;
    }
    let node = Path::new("node");
    suite(node, &package.join("test/package"))?;
    suite(node, &package.join("test/slow"))
}

/// Runs the tests of the WebAssembly component in Node.js.
pub(crate) fn test_component() -> Result<(), String> {
    tools()?;
    for version in VERSIONS {
        println!("Node.js {version}");
        suite(&binary(version), Path::new(COMPONENT))?;
    }
    Ok(())
}

fn suite(node: &Path, dir: &Path) -> Result<(), String> {
    // Not every version of Node.js ends a test that hangs.
    let mut timeout = command("timeout", &[PATIENCE]);
    timeout.arg(node).args(["--test", "--test-reporter=spec"]);
    timeout.args(tests(dir)?).env("BEANWIRE_TARGET", target_dir());
    run(timeout.env("BEANWIRE_NODES", nodes()))
}

fn build_quietly() -> Result<(), String> {
    tools()?;
    run(&mut command("npm", &["--silent", "--prefix", PACKAGE, "run", "build"]))?;
    run(&mut command("cargo", &["build", "--quiet", "-p", "beanwire-cli", "--profile", PROFILE]))?;
    place().map_err(|error| format!("{PACKAGE}: {error}"))
}

/// Puts what was built, and the licences, where `npm pack` takes them from.
fn place() -> std::io::Result<()> {
    let package = root().join(PACKAGE);
    for platform in entries(&package.join("npm"))? {
        let name = platform.file_name().unwrap_or_default().to_string_lossy();
        let binary = format!("beanwire.{name}.node");
        if package.join(&binary).is_file() {
            fs::copy(package.join(&binary), platform.join(&binary))?;
        }
        copy_licences(&platform)?;
    }
    if let Some(platform) = here() {
        let program = format!("beanwire{}", std::env::consts::EXE_SUFFIX);
        let built = target_dir().join(PROFILE).join(&program);
        fs::copy(built, package.join("npm").join(platform).join(&program))?;
    }
    copy_licences(&package)
}

/// This system, in the words of the packages' names, if there is a package for it.
fn here() -> Option<&'static str> {
    use std::env::consts::{ARCH, OS};
    let musl = cfg!(target_env = "musl");
    Some(match (OS, ARCH) {
        ("linux", "x86_64") if musl => "linux-x64-musl",
        ("linux", "x86_64") => "linux-x64-gnu",
        ("linux", "aarch64") if musl => "linux-arm64-musl",
        ("linux", "aarch64") => "linux-arm64-gnu",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        ("windows", "x86_64") => "win32-x64-msvc",
        _ => return None,
    })
}

fn copy_licences(into: &Path) -> std::io::Result<()> {
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(name), into.join(name))?;
    }
    Ok(())
}

/// The tests in a folder of the workspace.
fn tests(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let files =
        entries(&root().join(dir)).map_err(|error| format!("{}: {error}", dir.display()))?;
    let names = files.iter().filter_map(|file| file.file_name());
    let tests = names.filter(|name| name.to_string_lossy().ends_with(".test.js"));
    let tests: Vec<_> = tests.map(|name| dir.join(name)).collect();
    match tests.is_empty() {
        // Node.js would look for some by itself then.
        true => Err(format!("no tests in {}", dir.display())),
        false => Ok(tests),
    }
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Installs the tools, unless that was done since their list has changed.
fn tools() -> Result<(), String> {
    let found = output(&mut command("node", &["-p", "process.versions.node"]));
    if !found.as_deref().is_some_and(new_enough) {
        let (major, minor) = OLDEST;
        let found = found.unwrap_or_else(|| "none".to_owned());
        return Err(format!(
            "Node.js {major}.{minor} or newer is needed, and there is {found}; get it with npm from \
             https://nodejs.org"
        ));
    }
    let dir = root().join(TOOLS);
    let time = |file: &str| fs::metadata(dir.join(file)).and_then(|data| data.modified()).ok();
    // npm writes the first of them last.
    if time("node_modules/.package-lock.json") < time("package-lock.json") {
        run(&mut command("npm", &["--prefix", TOOLS, "ci", "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|found| found >= OLDEST)
}

/// Where that version of Node.js is, once it is installed.
fn binary(version: &str) -> PathBuf {
    nodes().join(version).join("node_modules/node/bin/node")
}

fn nodes() -> PathBuf {
    target_dir().join("nodes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_by_number() {
        assert!(new_enough("20.17.0"));
        assert!(new_enough("100.0.0"));
        assert!(!new_enough("20.9.1"));
        assert!(!new_enough("18.20.0"));
        assert!(!new_enough("unknown"));
    }

    #[test]
    fn the_command_line_goes_into_a_package_that_exists() {
        let platform = here().expect("a package for a system that runs tests");
        assert!(root().join(PACKAGE).join("npm").join(platform).join("package.json").is_file());
    }

    #[test]
    fn only_tests_are_run_and_none_is_an_error() {
        let package = tests(Path::new("npm/beanwire/test/package")).unwrap();
        assert!(!package.is_empty());
        assert!(package.iter().all(|file| file.to_string_lossy().ends_with(".test.js")));
        assert!(tests(Path::new("docs")).unwrap_err().starts_with("no tests in"));
    }
}
