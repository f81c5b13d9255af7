use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

const JOB: &str = "---\nid: 7\ntube: \"true\"\nstate: reserved\npri: 9\nage: -1\ndelay: 0\n\
    ttr: 60\ntime-left: -2\nfile: 0\nreserves: 3\ntimeouts: 2\nreleases: 1\nburies: 4\nkicks: 5\n";

#[test]
fn a_job_reads_with_negative_times() {
    let job = JobStats::parse(JOB.as_bytes()).unwrap();
    assert_eq!((job.id, job.tube.as_str(), job.priority), (JobId(7), "true", Priority(9)));
    assert_eq!((job.state, job.time_left), (JobState::Reserved, -2));
    assert_eq!((job.age, job.ttr), (Duration::ZERO, Duration::from_secs(60)));
    assert_eq!((job.reserves, job.timeouts, job.releases), (3, 2, 1));
    assert_eq!((job.buries, job.kicks, job.other.len()), (4, 5, 0));
}

#[test]
fn a_server_keeps_unknown_keys_and_hashes_and_defaults_what_is_missing() {
    let body = "---\nversion: 1.10\nrusage-utime: 0.148125\nos: #1 SMP: x\nnew: \"a\"\nid: 0x1F\n";
    let server = ServerStats::parse(body.as_bytes()).unwrap();
    assert_eq!((server.version.as_str(), server.os.as_str()), ("1.10", "#1 SMP: x"));
    assert_eq!((server.id.as_str(), server.platform.as_str()), ("0x1F", ""));
    assert_eq!(server.rusage_utime, Duration::from_micros(148_125));
    assert_eq!((server.draining, server.cmd_put), (false, 0));
    assert_eq!(server.other["new"], "a");
}

#[test]
fn a_tube_named_like_yaml_reads_quoted_or_not() {
    for name in ["null", "\"null\"", "1e3"] {
        let tube = TubeStats::parse(format!("---\nname: {name}\npause: 3\n").as_bytes()).unwrap();
        assert_eq!(tube.name.as_str(), name.trim_matches('"'));
        assert_eq!(tube.pause, Duration::from_secs(3));
    }
}

#[test]
fn what_does_not_read_is_an_error_that_names_the_key() {
    for (old, new, text) in [
        ("reserves: 3", "reserves: -3", "reserves"),
        ("ttr: 60", "ttr: nan", "ttr"),
        ("ttr: 60", "ttr: ", "ttr"),
        ("pri: 9", "pri: 4294967296", "pri"),
        ("state: reserved", "state: gone", "state"),
        ("id: 7\n", "", "id is missing"),
        ("pri: 9", "pri", "no key and value"),
    ] {
        let error = JobStats::parse(JOB.replace(old, new).as_bytes()).unwrap_err();
        assert_eq!((error.code(), error.outcome()), ("UNEXPECTED_REPLY", Outcome::Rejected));
        assert!(error.to_string().contains(text), "{new}: {error}");
    }
    assert!(ServerStats::parse(b"id: \xff\n").is_err());
}

#[test]
fn a_list_takes_names_as_they_stand() {
    let names = parse_list(b"---\n- default\n- true\n- 0x1F\n").unwrap();
    assert_eq!(names.iter().map(TubeName::as_str).collect::<Vec<_>>(), ["default", "true", "0x1F"]);
    assert!(parse_list(b"---\n").unwrap().is_empty());
    assert!(parse_list(b"default\n").is_err() && parse_list(b"- a b\n").is_err());
}

proptest! {
    #[test]
    fn bytes_from_anywhere_never_panic(
        body in prop_oneof![
            vec(any::<u8>(), 0..200),
            "(---\n)?((- |id: |pri: |uptime: |name: |age|os: )[-0-9a-z\".:é ]{0,30}\n?){0,8}"
                .prop_map(String::into_bytes),
        ],
    ) {
        let errors = [
            ServerStats::parse(&body).err(),
            TubeStats::parse(&body).err(),
            JobStats::parse(&body).err(),
            parse_list(&body).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert_eq!(error.kind(), ErrorKind::UnexpectedReply);
            prop_assert!(error.to_string().len() < 1024);
        }
    }

    #[test]
    fn unknown_keys_keep_their_values(
        other in btree_map("new-[^\r\n ]{0,20}", "[^\r\n]{0,40}", 0..8),
    ) {
        let lines = other.iter().map(|(key, value)| format!("{key}: \"{value}\"\n"));
        let body = JOB.to_owned() + &lines.collect::<String>();
        prop_assert_eq!(JobStats::parse(body.as_bytes()).unwrap().other, other);
    }
}
