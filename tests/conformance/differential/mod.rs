//! Random commands for both servers in lock step, whose answers must be the same byte for byte.
//!
//! `BEANWIRE_SEED` sets the first sequence and `BEANWIRE_SEQUENCES` how many there are: a failure
//! prints the seed that repeats it. No whole second matters: all delays, TTRs and timeouts are zero
//! or far longer than a test.

mod generate;
mod normal;
mod pair;
mod wire;

use std::env;

use generate::{Generator, Step};
use pair::{Answer, Pair};

const FIRST_SEED: u64 = 1;
const SEQUENCES: u64 = 12;
const STEPS: usize = 2_000;

/// How much of what happened before is printed on failure.
const HISTORY: usize = 60;

#[test]
fn random_commands_get_the_same_answers_from_both_servers() {
    let first = setting("BEANWIRE_SEED").unwrap_or(FIRST_SEED);
    let sequences = match setting("BEANWIRE_SEQUENCES") {
        Some(sequences) => sequences,
        // A seed alone repeats one sequence.
        None if setting("BEANWIRE_SEED").is_some() => 1,
        None => SEQUENCES,
    };
    let mut commands = 0;
    for seed in first..first + sequences {
        commands += run(seed);
    }
    println!("{sequences} sequences, {commands} commands");
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: not a number: {text:?}")))
}

/// Runs one sequence and returns how many commands it had.
fn run(seed: u64) -> usize {
    let mut generator = Generator::new(seed);
    let mut pair = Pair::start(generate::CONNECTIONS);
    let mut history: Vec<String> = Vec::new();
    let mut commands = 0;
    for number in 0..STEPS {
        let step = generator.step(&pair.view());
        history.push(format!("{number:>5} {step}"));
        let result = match &step {
            Step::Send { connection, commands: sent } => {
                commands += sent.len();
                pair.send(*connection, sent)
            }
            Step::Leave { connection, quits } => pair.leave(*connection, *quits),
        };
        let looks = generator.looks();
        let result = result.and_then(|answers| {
            looks.iter().try_for_each(|command| pair.look(command)).map(|()| answers)
        });
        match result {
            Ok(answers) => {
                for Answer { connection, reply } in answers {
                    generator.learn(connection, &reply.0);
                    history.push(format!("        {connection} {reply}"));
                }
            }
            Err(difference) => {
                let from = history.len().saturating_sub(HISTORY);
                let trail = history[from..].join("\n");
                panic!("{trail}\n\n{difference}\n\nrun it again with BEANWIRE_SEED={seed}");
            }
        }
    }
    commands
}
