//! Making a component smaller: what it runs is optimized once more, and what only people read is left out.

use std::fs;
use std::path::{Path, PathBuf};

use wasmparser::{BinaryReader, Parser, Payload};

use crate::run::{command, run, target_dir};

/// The optimizer, of one version, so that the same code comes out everywhere. It is a program for Node.js.
const OPTIMIZER: &str = "binaryen@132.0.0";

/// What the compiler makes use of by itself, and every host knows.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What of a component is looked at, by the number of its section.
const CUSTOM: u8 = 0;
const MODULE: u8 = 1;
const MODULE_INSTANCES: u8 = 2;
const COMPONENT: u8 = 4;
const INSTANCES: u8 = 5;
const ALIASES: u8 = 6;
const COMPONENT_IMPORTS: u8 = 10;

/// The same of a module.
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;

/// With what the names within a component begin: a letter.
const INNER: &str = "n";

/// Names no longer than this are kept: one of them could be the new name of another.
const SHORT: usize = 4;

/// What is before the sections.
const HEADER: usize = 8;

/// Installs the optimizer.
pub(crate) fn setup() -> Result<(), String> {
    if program().is_file() {
        return Ok(());
    }
    let install = ["install", "--no-audit", "--no-fund", OPTIMIZER, "--prefix"];
    run(command("npm", &install).arg(dir()))
}

/// The component without names and notes, and with its program optimized; `scratch` is a file that
/// may be written.
pub(crate) fn shrunk(component: &[u8], scratch: &Path) -> Result<Vec<u8>, String> {
    let told = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut names: Option<Names> = None;
    let mut inner = Vec::new();
    with_sections(component, |id, content| match (id, &names) {
        (CUSTOM, _) => Ok(None),
        (MODULE, None) => {
            let found = Names::of(content).map_err(told)?;
            let module = with_sections(content, |id, content| match id {
                IMPORTS => renamed(content, &found.imports, ""),
                EXPORTS => renamed(content, &found.exports, ""),
                _ => kept(content),
            })?;
            names = Some(found);
            optimized(&module, scratch).map(Some)
        }
        // Behind the program are a few bytes that join it to its imports.
        (MODULE, Some(names)) => {
            let module = with_sections(content, |id, content| match id {
                IMPORTS => renamed(content, &names.imports, ""),
                _ => kept(content),
            });
            module.map(Some)
        }
        (MODULE_INSTANCES, Some(names)) => renamed(content, &names.imports, ""),
        (ALIASES, Some(names)) => renamed(content, &names.exports, ""),
        (COMPONENT, _) => {
            add_imports(content, &mut inner).map_err(told)?;
            let component = with_sections(content, |id, content| match id {
                COMPONENT_IMPORTS => renamed(content, &inner, INNER),
                _ => kept(content),
            });
            component.map(Some)
        }
        (INSTANCES, _) => renamed(content, &inner, INNER),
        _ => kept(content),
    })
}

/// Under which names the program knows what is around it, and the other way round. They say it all a
/// second time, and nobody sees them: both sides only have to agree on them.
struct Names<'a> {
    imports: Vec<&'a str>,
    /// What the component exports.
    exports: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(module: &'a [u8]) -> wasmparser::Result<Self> {
        let (mut imports, mut exports) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        imports.extend([import.module, import.name]);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        exports.push(export?.name);
                    }
                }
                _ => {}
            }
        }
        imports.retain(|name| name.len() > SHORT);
        imports.sort_unstable();
        imports.dedup();
        exports.retain(|name| name.contains('#'));
        Ok(Self { imports, exports })
    }
}

/// Adds the names of what a component within the component imports from it. Such a component gives
/// the functions of the program their types.
fn add_imports<'a>(component: &'a [u8], names: &mut Vec<&'a str>) -> wasmparser::Result<()> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ComponentImportSection(imports) = payload? {
            for import in imports {
                let name = import?.name.name;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    Ok(())
}

fn kept(content: &[u8]) -> Result<Option<Vec<u8>>, String> {
    Ok(Some(content.to_vec()))
}

/// The section with the place of every name among `names`, behind `prefix`, for the name.
fn renamed(content: &[u8], names: &[&str], prefix: &str) -> Result<Option<Vec<u8>>, String> {
    let mut content = content.to_vec();
    for (place, name) in names.iter().enumerate() {
        let (long, short) =
            (counted(name.as_bytes()), counted(format!("{prefix}{place:x}").as_bytes()));
        // One that has its new name already would be found again and again.
        while long != short
            && let Some(at) = content.windows(long.len()).position(|part| part == long)
        {
            content.splice(at..at + long.len(), short.iter().copied());
        }
    }
    Ok(Some(content))
}

fn optimized(module: &[u8], scratch: &Path) -> Result<Vec<u8>, String> {
    let program = program();
    if !program.is_file() {
        return Err(format!("{} is missing; run: cargo xtask setup", program.display()));
    }
    let told = |error: std::io::Error| format!("{}: {error}", scratch.display());
    fs::write(scratch, module).map_err(told)?;
    let mut optimizer = command("node", &[]);
    optimizer.arg(program).args(["-Oz", "--strip-debug", "--strip-producers"]).args(FEATURES);
    run(optimizer.arg("--strip-target-features").arg(scratch).arg("-o").arg(scratch))?;
    let optimized = fs::read(scratch).map_err(told)?;
    fs::remove_file(scratch).map_err(told)?;
    Ok(optimized)
}

/// A component or module with what `change` makes of each section, by its number; without those of
/// which it makes nothing.
fn with_sections<'a>(
    whole: &'a [u8],
    mut change: impl FnMut(u8, &'a [u8]) -> Result<Option<Vec<u8>>, String>,
) -> Result<Vec<u8>, String> {
    let told = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut reader = BinaryReader::new(whole, 0);
    let mut changed = reader.read_bytes(HEADER).map_err(told)?.to_vec();
    while !reader.eof() {
        let id = reader.read_u8().map_err(told)?;
        let size = reader.read_var_u32().map_err(told)?;
        let content =
            reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX)).map_err(told)?;
        if let Some(content) = change(id, content)? {
            changed.push(id);
            changed.extend(counted(&content));
        }
    }
    Ok(changed)
}

/// The bytes with their count in front.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut counted = Vec::new();
    let mut count = bytes.len();
    // Seven bits at a time; the eighth says that more follow.
    while count > 0x7f {
        counted.push(u8::try_from(count & 0x7f).unwrap_or_default() | 0x80);
        count >>= 7;
    }
    counted.push(u8::try_from(count).unwrap_or_default());
    counted.extend_from_slice(bytes);
    counted
}

fn dir() -> PathBuf {
    target_dir().join("tools").join("binaryen")
}

fn program() -> PathBuf {
    dir().join("node_modules/binaryen/bin/wasm-opt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unused() -> &'static Path {
        Path::new("unused")
    }

    #[test]
    fn notes_are_left_out_and_all_else_stays() {
        let section = |id: u8, content: &[u8]| [&[id][..], &counted(content)].concat();
        let header = b"\0asm\x0d\0\x01\0".to_vec();
        let (first, second) = (section(7, &[1; 300]), section(8, b"x"));
        let kept = [header.clone(), first.clone(), second.clone()].concat();
        let noted = [header, first, section(CUSTOM, b"\x04note"), second].concat();
        assert_eq!(shrunk(&noted, unused()).unwrap(), kept);
        assert!(shrunk(&noted[..100], unused()).is_err());
    }

    #[test]
    fn whole_names_become_their_places() {
        let names = ["a:b/c#put", "a:b/c#put-many"];
        let content = [counted(b"a:b/c#put-many"), counted(b"memory"), counted(b"a:b/c#put")];
        let changed = renamed(&content.concat(), &names, "").unwrap().unwrap();
        assert_eq!(changed, b"\x011\x06memory\x010");
        let changed = renamed(&content.concat(), &names, INNER).unwrap().unwrap();
        assert_eq!(changed, b"\x02n1\x06memory\x02n0");
    }

    #[test]
    fn the_names_of_a_program_are_those_that_it_shares_with_the_component() {
        let module = b"\0asm\x01\0\0\0\
            \x02\x13\x02\x05a:b/c\x02go\x03\x7f\0\0\x01a\x03\x7f\0\
            \x05\x03\x01\0\0\x07\x10\x02\x06memory\x02\0\x03a#b\x02\0";
        let names = Names::of(module).unwrap();
        assert_eq!((names.imports, names.exports), (vec!["a:b/c"], vec!["a#b"]));
    }

    #[test]
    fn the_names_of_inner_imports_are_told_once() {
        let component = b"\0asm\x0d\0\x01\0\
            \x07\x05\x01\x40\0\x01\0\
            \x0a\x0a\x01\0\x05inner\x01\0";
        let mut names = Vec::new();
        for _ in 0..2 {
            add_imports(component, &mut names).unwrap();
        }
        assert_eq!(names, ["inner"]);
    }
}
