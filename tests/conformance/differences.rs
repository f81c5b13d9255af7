//! Every difference there is between the two servers, and why.
//!
//! Each was seen: the test sends the bytes of an entry to both and compares what they answer until
//! they close the connection, whose sending direction is ended behind the bytes.

use crate::Target;

struct Difference {
    name: &'static str,
    sent: &'static str,
    beanstalkd: Answer,
    embedded: Answer,
    /// Why the embedded server does not do the same.
    reason: &'static str,
}

enum Answer {
    /// These bytes, and nothing else.
    Is(&'static str),
    /// The line with this key has a value that this accepts.
    Says(&'static str, fn(&str) -> bool),
}

use Answer::{Is, Says};

const STEP: &str = "one refused line has one answer, and the next line is a command";
const STRICT: &str = "a number is in its range and has nothing around it, in every command alike";
const WHOLE: &str = "a command is its whole word";
const OWN: &str = "it tells about itself, and is not to be taken for the real one";

/// These bytes behind three puts, all of them buried.
macro_rules! with_buried {
    ($sent:literal) => {
        concat!(
            "put 0 0 60 0\r\n\r\nput 0 0 60 0\r\n\r\nput 0 0 60 0\r\n\r\n",
            "reserve\r\nreserve\r\nreserve\r\nbury 1 0\r\nbury 2 0\r\nbury 3 0\r\n",
            $sent
        )
    };
}

/// These answers behind those to [`with_buried`].
macro_rules! after_buried {
    ($answers:literal) => {
        concat!(
            "INSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\nRESERVED 1 0\r\n\r\n",
            "RESERVED 2 0\r\n\r\nRESERVED 3 0\r\n\r\nBURIED\r\nBURIED\r\nBURIED\r\n",
            $answers
        )
    };
}

/// A line of 225 bytes with its end.
macro_rules! line_of_225 {
    () => {
        concat!(
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"
        )
    };
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "a CR within a line",
        sent: "use a\rb\r\nuse c\r\n",
        beanstalkd: Is(""),
        embedded: Is("BAD_FORMAT\r\nUSING c\r\n"),
        reason: STEP,
    },
    Difference {
        name: "a CR in front of a line end",
        sent: "use a\r\r\nuse c\r\n",
        beanstalkd: Is(""),
        embedded: Is("BAD_FORMAT\r\nUSING c\r\n"),
        reason: STEP,
    },
    Difference {
        name: "a line of one byte more than the limit",
        sent: concat!(line_of_225!(), "use a\r\nuse b\r\n"),
        beanstalkd: Is("BAD_FORMAT\r\nUSING b\r\n"),
        embedded: Is("BAD_FORMAT\r\nUSING a\r\nUSING b\r\n"),
        reason: STEP,
    },
    Difference {
        name: "a word that begins with quit",
        sent: "quitfoo\r\nuse a\r\n",
        beanstalkd: Is(""),
        embedded: Is("BAD_FORMAT\r\nUSING a\r\n"),
        reason: WHOLE,
    },
    Difference {
        name: "quit with an argument",
        sent: "quit x\r\nuse a\r\n",
        beanstalkd: Is(""),
        embedded: Is("BAD_FORMAT\r\nUSING a\r\n"),
        reason: WHOLE,
    },
    Difference {
        name: "a tube behind pause-tube without a space",
        sent: "pause-tubedefault 0\r\n",
        beanstalkd: Is("PAUSED\r\n"),
        embedded: Is("BAD_FORMAT\r\n"),
        reason: WHOLE,
    },
    Difference {
        name: "a kick of -1 kicks all",
        sent: with_buried!("kick -1\r\n"),
        beanstalkd: Is(after_buried!("KICKED 3\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a kick of 2^32 kicks none",
        sent: with_buried!("kick 4294967296\r\n"),
        beanstalkd: Is(after_buried!("KICKED 0\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a kick of 2^32 + 1 kicks one",
        sent: with_buried!("kick 4294967297\r\n"),
        beanstalkd: Is(after_buried!("KICKED 1\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a kick of +1",
        sent: with_buried!("kick +1\r\n"),
        beanstalkd: Is(after_buried!("KICKED 1\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a kick with something behind its number",
        sent: with_buried!("kick 1x\r\nkick 1 \r\nkick 1 1\r\n"),
        beanstalkd: Is(after_buried!("KICKED 1\r\nKICKED 1\r\nKICKED 1\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\nBAD_FORMAT\r\nBAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a kick with a tab in front of its number",
        sent: with_buried!("kick \t1\r\n"),
        beanstalkd: Is(after_buried!("KICKED 1\r\n")),
        embedded: Is(after_buried!("BAD_FORMAT\r\n")),
        reason: STRICT,
    },
    Difference {
        name: "a timeout of 2^31",
        sent: "reserve-with-timeout 2147483648\r\n",
        beanstalkd: Is("TIMED_OUT\r\n"),
        embedded: Is("BAD_FORMAT\r\n"),
        reason: STRICT,
    },
    Difference {
        name: "a timeout of -1",
        sent: "reserve-with-timeout -1\r\n",
        beanstalkd: Is("TIMED_OUT\r\n"),
        embedded: Is("BAD_FORMAT\r\n"),
        reason: STRICT,
    },
    Difference {
        name: "a timeout with something behind or without its number",
        sent: "reserve-with-timeout 0x\r\nreserve-with-timeout 0 \r\nreserve-with-timeout \r\n",
        beanstalkd: Is("TIMED_OUT\r\nTIMED_OUT\r\nTIMED_OUT\r\n"),
        embedded: Is("BAD_FORMAT\r\nBAD_FORMAT\r\nBAD_FORMAT\r\n"),
        reason: STRICT,
    },
    Difference {
        name: "equal delays within one write",
        sent: concat!(
            "put 0 0 60 0\r\n\r\nput 0 0 60 0\r\n\r\nreserve\r\nreserve\r\n",
            "release 2 0 100\r\nrelease 1 0 100\r\npeek-delayed\r\n"
        ),
        beanstalkd: Is(concat!(
            "INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 0\r\n\r\nRESERVED 2 0\r\n\r\n",
            "RELEASED\r\nRELEASED\r\nFOUND 2 0\r\n\r\n"
        )),
        embedded: Is(concat!(
            "INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 0\r\n\r\nRESERVED 2 0\r\n\r\n",
            "RELEASED\r\nRELEASED\r\nFOUND 1 0\r\n\r\n"
        )),
        reason: "what is read at once is done at one instant, and equal due times go by id",
    },
    Difference {
        name: "the version",
        sent: "stats\r\n",
        beanstalkd: Says("version", |value| !value.contains("beanwire")),
        embedded: Says("version", |value| value.ends_with("-beanwire\"")),
        reason: OWN,
    },
    Difference {
        name: "the time that was computed",
        sent: "stats\r\n",
        beanstalkd: Says("rusage-utime", |value| value.parse::<f64>().is_ok()),
        embedded: Says("rusage-utime", |value| value == "0.000000"),
        reason: "it is a part of the process that uses it, which has its own",
    },
    Difference {
        name: "the host",
        sent: "stats\r\n",
        beanstalkd: Says("hostname", |value| !value.is_empty()),
        embedded: Says("hostname", |value| value == "localhost"),
        reason: OWN,
    },
    Difference {
        name: "the system",
        sent: "stats\r\n",
        beanstalkd: Says("os", |value| !value.is_empty()),
        embedded: Says("os", |value| value == std::env::consts::OS),
        reason: OWN,
    },
];

#[track_caller]
fn answers(target: &Target, entry: &Difference, expected: &Answer) {
    let (name, sent) = (entry.name, entry.sent);
    let answer = target.answers(sent);
    match expected {
        Is(expected) => assert_eq!(answer, *expected, "{name}: the answer to {sent:?}"),
        Says(key, accepts) => {
            let mut pairs = answer.lines().filter_map(|line| line.split_once(": "));
            let value = pairs.find(|(known, _)| known == key).map(|(_, value)| value);
            assert!(value.is_some_and(accepts), "{name}: {key} is {value:?}");
        }
    }
}

#[test]
fn beanstalkd_answers_as_the_table_says() {
    for entry in DIFFERENCES {
        answers(&Target::beanstalkd(), entry, &entry.beanstalkd);
    }
}

#[test]
fn the_embedded_server_answers_as_the_table_says() {
    for entry in DIFFERENCES {
        answers(&Target::embedded(), entry, &entry.embedded);
    }
}

#[test]
fn each_difference_is_one_and_has_a_reason() {
    for Difference { name, beanstalkd, embedded, reason, .. } in DIFFERENCES {
        assert!(!reason.is_empty(), "{name}");
        if let (Is(beanstalkd), Is(embedded)) = (beanstalkd, embedded) {
            assert_ne!(beanstalkd, embedded, "{name}");
        }
    }
}
