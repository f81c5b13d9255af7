//! The range of every number, and what is no number at all.

use crate::Target;

cases! {
    a_number_of_32_bits_has_no_greater_value_than_its_limit,
    an_id_has_64_bits,
    a_number_has_digits_and_nothing_else,
    leading_zeros_change_nothing,
    the_least_and_greatest_priority_delay_and_ttr_are_kept,
    a_release_keeps_the_greatest_priority_and_delay,
    a_ttr_of_zero_becomes_one_second,
    a_timeout_has_31_bits,
    a_pause_has_32_bits,
    a_kick_has_32_bits,
}

/// Lines with a gap for a number of 32 bits. What they name does not exist.
const WITH_U32: [&str; 7] = [
    "put {} 0 60 1",
    "put 0 {} 60 1",
    "put 0 0 {} 1",
    "release 9 {} 0",
    "release 9 0 {}",
    "bury 9 {}",
    "pause-tube nosuch {}",
];

/// Lines with a gap for the id of a job that does not exist.
const WITH_ID: [&str; 9] = [
    "reserve-job {}",
    "delete {}",
    "release {} 0 0",
    "bury {} 0",
    "touch {}",
    "peek {}",
    "kick-job {}",
    "stats-job {}",
    "peek 0{}",
];

fn a_number_of_32_bits_has_no_greater_value_than_its_limit(target: &Target) {
    let mut client = target.connect();
    for line in WITH_U32.into_iter().chain(["put 0 0 60 {}"]) {
        for number in ["4294967296", "4294967297", "18446744073709551616", &"9".repeat(80)] {
            client.check(&line.replace("{}", number), "BAD_FORMAT");
        }
    }
    for line in &WITH_U32[3..] {
        for number in ["0", "4294967295"] {
            client.check(&line.replace("{}", number), "NOT_FOUND");
        }
    }
    client.check_step();
}

fn an_id_has_64_bits(target: &Target) {
    let mut client = target.connect();
    for line in WITH_ID {
        for id in ["0", "1", "4294967296", "18446744073709551615"] {
            client.check(&line.replace("{}", id), "NOT_FOUND");
        }
        for id in ["18446744073709551616", &"9".repeat(100)] {
            client.check(&line.replace("{}", id), "BAD_FORMAT");
        }
    }
}

fn a_number_has_digits_and_nothing_else(target: &Target) {
    let mut client = target.connect();
    let lines = WITH_U32.into_iter().chain(WITH_ID).chain(["put 0 0 60 {}"]);
    for line in lines.filter(|line| !line.contains("0{}")) {
        for number in ["-1", "+1", "-0", "x", "1x", "x1", "0x1", "1.0", "1e3", "1,0", "", "''"] {
            client.check(&line.replace("{}", number), "BAD_FORMAT");
        }
    }
    client.check_step();
}

fn leading_zeros_change_nothing(target: &Target) {
    let zeros = "0".repeat(40);
    let mut client = target.connect();
    client.check(&format!("put {zeros}7 {zeros} {zeros}60 {zeros}1\r\na"), "INSERTED 1");
    client.shows("stats-job 1", &["pri: 7", "delay: 0", "ttr: 60"]);
    client.check(&format!("peek {zeros}1"), "FOUND 1 1\r\na");
    client.check(&format!("delete {zeros}1"), "DELETED");
}

fn the_least_and_greatest_priority_delay_and_ttr_are_kept(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 1", "a");
    client.put("4294967295 4294967295 4294967295", "b");
    client.shows("stats-job 1", &["pri: 0", "delay: 0", "ttr: 1", "state: ready"]);
    let greatest = ["pri: 4294967295", "delay: 4294967295", "ttr: 4294967295", "state: delayed"];
    client.shows("stats-job 2", &greatest);
}

fn a_release_keeps_the_greatest_priority_and_delay(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 4294967295", "a");
    client.check("reserve", "RESERVED 1 1\r\na");
    client.check("release 1 4294967295 4294967295", "RELEASED");
    let lines = ["pri: 4294967295", "delay: 4294967295", "state: delayed"];
    client.shows("stats-job 1", &lines);
    client.talk(&[("kick 1", "KICKED 1"), ("reserve", "RESERVED 1 1\r\na")]);
    client.check("bury 1 4294967295", "BURIED");
    client.shows("stats-job 1", &["pri: 4294967295", "state: buried"]);
}

fn a_ttr_of_zero_becomes_one_second(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 0", "a");
    client.shows("stats-job 1", &["ttr: 1"]);
}

fn a_timeout_has_31_bits(target: &Target) {
    let mut client = target.connect();
    client.check("reserve-with-timeout 0", "TIMED_OUT");
    client.put("0 0 60", "a");
    client.check("reserve-with-timeout 2147483647", "RESERVED 1 1\r\na");
    for number in ["9223372036854775808", &"9".repeat(80)] {
        client.check(&format!("reserve-with-timeout {number}"), "BAD_FORMAT");
    }
}

fn a_pause_has_32_bits(target: &Target) {
    let mut client = target.connect();
    client.check("pause-tube default 4294967295", "PAUSED");
    client.shows("stats-tube default", &["pause: 4294967295"]);
    client.check("pause-tube default 4294967296", "BAD_FORMAT");
    client.check("pause-tube default 0", "PAUSED");
}

fn a_kick_has_32_bits(target: &Target) {
    let mut client = target.connect();
    client.put("0 100 60", "a");
    client.put("0 100 60", "b");
    client.talk(&[
        ("kick 0", "KICKED 0"),
        ("kick 1", "KICKED 1"),
        ("kick 4294967295", "KICKED 1"),
        ("kick 4294967295", "KICKED 0"),
        ("kick 18446744073709551616", "BAD_FORMAT"),
        ("kick x", "BAD_FORMAT"),
        ("kick ", "BAD_FORMAT"),
    ]);
}
