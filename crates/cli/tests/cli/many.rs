//! A great many jobs.

use beanwire_tests::{Beanstalkd, peak_memory};

use crate::support::{command, counts};

const JOBS: usize = 100_000;

/// What a run may take more with many jobs than with a few: less than a byte for each of ten.
const SLACK: u64 = 4 << 20;

fn peak(server: &Beanstalkd, words: &[&str], jobs: usize) -> u64 {
    let run = peak_memory(&mut command(&server.uri(), words));
    assert!(run.status.success(), "{run:?}");
    assert!(run.stdout.contains(&format!("\n{jobs} jobs ")), "{run:?}");
    run.peak
}

#[test]
fn memory_stays_flat_for_100_000_buried_jobs() {
    let body = "x".repeat(200);
    let server = Beanstalkd::start();
    for (words, left) in [
        (&["resurrect", "kick"][..], [JOBS as u64, 0, 0, 0]),
        (&["resurrect", "delete"], [0; 4]),
        (&["resurrect", "delete", "--older-than", "0s"], [0; 4]),
    ] {
        let tube = words.join("-");
        let words = [words, &["--tube", &tube]].concat();
        // Enough for every window to be at its full size.
        server.raw().bury_many(&tube, 10_000, &body);
        let few = peak(&server, &words, 10_000);
        run_out(&server, &tube);
        server.raw().bury_many(&tube, JOBS, &body);
        let many = peak(&server, &words, JOBS);
        assert_eq!(counts(&server, &tube), left, "{words:?}");
        assert!(many < few + SLACK, "{words:?}: {few} bytes with few jobs, {many} with many");
        assert!(many < 64 << 20, "{words:?}: {many} bytes");
    }
}

#[test]
fn large_bodies_move_a_few_at_a_time() {
    const BODY: u64 = 8 << 20;
    const JOBS: u64 = 64;
    let server = Beanstalkd::builder().max_job_size(BODY).start();
    for (state, pause) in [("reserved", false), ("looked at", true)] {
        let mut raw = server.raw();
        for _ in 0..JOBS {
            raw.put("from", vec![0; usize::try_from(BODY).unwrap()]);
        }
        if pause {
            assert_eq!(raw.command("pause-tube from 1000"), "PAUSED");
        }
        let run = peak_memory(&mut command(&server.uri(), &["move", "from", "to"]));
        assert!(run.status.success(), "{run:?}");
        assert_eq!((counts(&server, "from"), counts(&server, "to")), ([0; 4], [JOBS, 0, 0, 0]));
        assert!(run.peak < JOBS * BODY / 2, "{state}: {} bytes", run.peak);
        run_out(&server, "to");
    }
}

/// Deletes what is ready.
fn run_out(server: &Beanstalkd, tube: &str) {
    let mut raw = server.raw();
    while let Some((id, _)) = raw.reserve(tube) {
        assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
    }
}
