//! The demo's command line.

/// Jobs of the bulk, unless told otherwise.
const JOBS: usize = 10_000;

const MOST_JOBS: usize = 10_000_000;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) jobs: usize,
    pub(crate) uri: Option<String>,
}

impl Options {
    /// None if the user only wants to know how to call it.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Option<Self>, String> {
        let mut options = Self { jobs: JOBS, uri: None };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--jobs" => options.jobs = jobs(&value()?)?,
                "--uri" => options.uri = Some(value()?),
                "-h" | "--help" => {
                    println!("usage: demo [--jobs N] [--uri URI]");
                    println!("  --jobs N    jobs to put and handle, {JOBS} by default");
                    println!("  --uri URI   a server that runs; by default the embedded one");
                    return Ok(None);
                }
                _ => return Err(format!("unknown option {name:?}, see --help")),
            }
        }
        Ok(Some(options))
    }
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs) if (1..=MOST_JOBS).contains(&jobs) => Ok(jobs),
        _ => Err(format!("--jobs: {text:?} is not a number from 1 to {MOST_JOBS}")),
    }
}
