use super::*;

type Change = fn(ConfigBuilder) -> ConfigBuilder;

#[test]
fn the_defaults_are_valid() {
    assert_eq!(Config::builder().build().unwrap(), Config::default());
}

#[test]
fn a_value_outside_its_range_is_refused_by_name() {
    let cases: [(&str, Change); 21] = [
        ("multiply", |b| b.multiply(0)),
        ("multiply", |b| b.multiply(1025)),
        ("concurrency", |b| b.concurrency(0)),
        ("concurrency", |b| b.concurrency(65537)),
        ("max_connections", |b| b.max_connections(0)),
        ("max_connections", |b| b.multiply(3).max_connections(2)),
        ("prefetch", |b| b.prefetch(65537)),
        ("connect_timeout", |b| b.connect_timeout(Duration::ZERO)),
        ("command_timeout", |b| b.command_timeout(HOUR + MS)),
        ("put_timeout", |b| b.put_timeout(DAY + MS)),
        ("reserve_timeout", |b| b.reserve_timeout(999 * MS)),
        ("reconnect_min", |b| b.reconnect_min(Duration::ZERO)),
        ("reconnect_max", |b| b.reconnect_min(SECOND).reconnect_max(999 * MS)),
        ("reconnect_max", |b| b.reconnect_max(HOUR + MS)),
        ("max_body_size", |b| b.max_body_size(0)),
        ("max_body_size", |b| b.max_body_size(GIB + 1)),
        ("max_pending_bytes", |b| b.max_pending_bytes(4095)),
        ("failure.delay", |b| b.failure(FailurePolicy::default().with_delay(301 * SECOND))),
        ("failure.max_delay", |b| {
            b.failure(FailurePolicy::default().with_max_delay(Duration::MAX))
        }),
        ("failure.delay", |b| b.failure(FailurePolicy::default().with_max_delay(MS))),
        ("failure.max_attempts", |b| b.failure(FailurePolicy::default().with_max_attempts(0))),
    ];
    for (field, change) in cases {
        let error = change(Config::builder()).build().unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        assert!(error.to_string().starts_with(&format!("{field}: ")), "{field}: {error}");
    }
}

#[test]
fn the_ends_of_each_range_are_allowed() {
    let low = Config::builder().concurrency(1).max_connections(1).connect_timeout(MS);
    let low = low.put_timeout(Duration::ZERO).reserve_timeout(SECOND).max_pending_bytes(4096);
    let none = FailurePolicy::default().with_delay(Duration::ZERO).with_max_delay(Duration::ZERO);
    assert!(low.reconnect_min(MS).reconnect_max(MS).failure(none).max_body_size(1).build().is_ok());
    let high = Config::builder().multiply(1024).max_connections(1024).concurrency(65536);
    let high = high.prefetch(65536).connect_timeout(HOUR).put_timeout(DAY).reserve_timeout(HOUR);
    let long = FailurePolicy::default().with_max_delay(MAX_WIRE_SPAN).with_delay(MAX_WIRE_SPAN);
    assert!(high.reconnect_max(HOUR).reconnect_min(HOUR).failure(long).build().is_ok());
}

#[test]
fn an_error_names_value_and_range() {
    let text = Config::builder().reserve_timeout(MS).build().unwrap_err().to_string();
    assert!(text.contains("1ms") && text.contains("1s to 3600s"), "{text}");
}

#[test]
fn connections_follow_concurrency_up_to_sixteen_and_never_fall_below_multiply() {
    let most =
        |change: Change| change(Config::builder()).build().unwrap().effective_max_connections();
    assert_eq!(most(|b| b), 10);
    assert_eq!(most(|b| b.concurrency(100)), 16);
    assert_eq!(most(|b| b.concurrency(100).max_connections(50)), 50);
    assert_eq!(most(|b| b.concurrency(1).multiply(20)), 20);
}

#[cfg(feature = "serde")]
mod encoded {
    use super::*;
    use crate::types::TubeName;

    #[test]
    fn a_configuration_survives_the_round_trip() {
        let dead = Exhausted::DeadLetter(TubeName::new("dead").unwrap());
        let policy = FailurePolicy::default().with_max_attempts(3).with_exhausted(dead);
        let certificate = ClientCertificate { chain_pem: "a".into(), key_pem: "b".into() };
        let tls = TlsConfig::default()
            .with_roots(Roots::Pem("c".into()))
            .with_client_certificate(certificate)
            .with_server_name("d");
        let config = Config::builder()
            .max_connections(7)
            .delivery(Delivery::AtMostOnce)
            .failure(policy)
            .tls(tls)
            .build()
            .unwrap();
        let text = serde_json::to_string(&config).unwrap();
        for part in [
            r#""connect_timeout_ms":5000"#,
            r#""delivery":"at-most-once""#,
            r#""exhausted":{"dead-letter":"dead"}"#,
            r#""max_delay_ms":300000"#,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), config);
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let read = |text| serde_json::from_str::<Config>(text);
        assert_eq!(read("{}").unwrap(), Config::default());
        let config =
            read(r#"{"failure": {"delay_ms": 1500}, "tls": {"roots": "system"}}"#).unwrap();
        assert_eq!(config.failure.delay, 1500 * MS);
        assert_eq!(config.failure.max_delay, 300 * SECOND);
        for text in [
            r#"{"multiplier": 1}"#,
            r#"{"connect_timeout": 1}"#,
            r#"{"put_timeout_ms": -1}"#,
            r#"{"tls": {"root": "system"}}"#,
            r#"{"failure": {"exhausted": {"dead-letter": "a b"}}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_tube_name_is_a_text_that_is_checked() {
        let name = TubeName::new("a").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""a""#);
        assert_eq!(serde_json::from_str::<TubeName>(r#""a""#).unwrap(), name);
        let error = serde_json::from_str::<TubeName>(r#""a b""#).unwrap_err().to_string();
        assert!(error.contains("only A-Z"), "{error}");
    }

    #[test]
    fn statistics_survive_the_round_trip() {
        use crate::stats::JobStats;
        let body = b"---\nid: 7\ntube: t\nstate: ready\npri: 9\nttr: 60\ntime-left: -2\nx: y\n";
        let job = JobStats::parse(body).unwrap();
        let text = serde_json::to_string(&job).unwrap();
        assert!(
            text.contains(r#""ttr_ms":60000"#) && text.contains(r#""time_left_s":-2"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<JobStats>(&text).unwrap(), job);
    }
}
