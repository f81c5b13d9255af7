//! Making a component smaller: what it runs is optimized once more, and what only people read is left out.

use std::fs;
use std::path::{Path, PathBuf};

use wasmparser::BinaryReader;

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
    let sections = sections(component).map_err(|error| error.to_string())?;
    let mut shrunk = component.get(..HEADER).unwrap_or_default().to_vec();
    let mut modules = 0;
    for (id, content) in sections {
        match id {
            CUSTOM => {}
            MODULE => {
                modules += 1;
                // Behind the program are a few bytes that join it to its imports.
                if modules == 1 {
                    append(&mut shrunk, id, &optimized(content, scratch)?);
                } else {
                    append(&mut shrunk, id, content);
                }
            }
            _ => append(&mut shrunk, id, content),
        }
    }
    Ok(shrunk)
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

/// The sections of a component, each with its number.
fn sections(component: &[u8]) -> wasmparser::Result<Vec<(u8, &[u8])>> {
    let mut reader = BinaryReader::new(component, 0);
    reader.read_bytes(HEADER)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        sections.push((id, reader.read_bytes(size)?));
    }
    Ok(sections)
}

fn append(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    let mut size = content.len();
    // Seven bits at a time; the eighth says that more follow.
    while size > 0x7f {
        component.push(u8::try_from(size & 0x7f).unwrap_or_default() | 0x80);
        size >>= 7;
    }
    component.push(u8::try_from(size).unwrap_or_default());
    component.extend_from_slice(content);
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

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn notes_are_left_out_and_all_else_stays() {
        let mut kept = EMPTY.to_vec();
        append(&mut kept, 7, &[1; 300]);
        let mut noted = kept.clone();
        append(&mut noted, CUSTOM, b"\x04note");
        append(&mut noted, 8, b"x");
        append(&mut kept, 8, b"x");
        assert_eq!(shrunk(&noted, Path::new("unused")).unwrap(), kept);
        assert!(shrunk(&noted[..100], Path::new("unused")).is_err());
    }
}
