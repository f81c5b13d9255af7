use std::time::Duration;

use beanwire::{Config, Consumer, NewJob, TubeName};
use beanwire_tests::Beanstalkd;
use futures_util::future::join_all;

use crate::{assert_invalid, commands, connection, producer, within};

/// Names that are not allowed, each with what the error must say about it.
fn bad_names() -> Vec<(String, [&'static str; 2])> {
    let bytes = "only A-Z a-z 0-9 - + / ; . $ _ ( )";
    let mut names = vec![
        (String::new(), ["\"\"", "1 to 200 bytes"]),
        ("x".repeat(201), ["(201 bytes)", "1 to 200 bytes"]),
        ("é".repeat(101), ["(202 bytes)", "1 to 200 bytes"]),
        ("-x".into(), ["\"-x\"", "not to start with '-'"]),
        ("a\r\nput 0 0 0 0".into(), ["\"a\\r\\nput 0 0 0 0\"", bytes]),
        ("a\n".into(), ["\"a\\n\"", bytes]),
        ("a b".into(), ["\"a b\"", bytes]),
        (" ".into(), ["\" \"", bytes]),
        ("a\0".into(), ["\"a\\0\"", bytes]),
        ("bücher".into(), ["\"bücher\"", bytes]),
    ];
    let others = "!\"#%&'*,:<=>?@[\\]^`{|}~".chars();
    names.extend(others.map(|other| (format!("a{other}"), ["tube", bytes])));
    names
}

#[tokio::test]
async fn a_bad_tube_name_is_refused_by_every_call_and_nothing_is_sent() {
    let server = Beanstalkd::start();
    let (connection, producer) = (connection(&server).await, producer(&server).await);
    let mut raw = server.raw();
    let before = commands(&mut raw);
    let minute = Duration::from_secs(60);
    for (name, parts) in bad_names() {
        let name = name.as_str();
        assert_invalid(TubeName::new(name), "tube", &parts);
        assert_invalid(NewJob::new(name, "hello"), "tube", &parts);
        assert_invalid(within(producer.put(name, "hello")).await, "tube", &parts);
        assert_invalid(within(producer.put(name, "hello").ttr(minute)).await, "tube", &parts);
        assert_invalid(within(connection.put(name, "hello")).await, "tube", &parts);
        assert_invalid(within(connection.use_tube(name)).await, "tube", &parts);
        assert_invalid(within(connection.watch(name)).await, "tube", &parts);
        assert_invalid(within(connection.ignore(name)).await, "tube", &parts);
        assert_invalid(within(connection.peek_ready(name)).await, "tube", &parts);
        assert_invalid(within(connection.peek_delayed(name)).await, "tube", &parts);
        assert_invalid(within(connection.peek_buried(name)).await, "tube", &parts);
        assert_invalid(within(connection.kick(name, 1)).await, "tube", &parts);
        assert_invalid(within(connection.stats_tube(name)).await, "tube", &parts);
        assert_invalid(within(connection.pause_tube(name, minute)).await, "tube", &parts);
        let tubes = ["mail", name];
        let consumer = within(Consumer::open(server.uri(), tubes, Config::default())).await;
        assert_invalid(consumer, "tube", &parts);
    }
    assert_eq!(commands(&mut raw), before);
    within(producer.put("mail", "hello")).await.unwrap();
    within(connection.watch("mail")).await.unwrap();
    let job = within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap().unwrap();
    within(job.delete()).await.unwrap();
}

#[tokio::test]
async fn bad_puts_do_no_harm_to_those_under_way() {
    let server = Beanstalkd::start();
    let producer = producer(&server).await;
    let names: Vec<_> = bad_names().into_iter().map(|(name, _)| name).collect();
    let puts = (0..200).map(|number| {
        let (producer, bad) = (&producer, &names[number % names.len()]);
        async move {
            match number % 2 {
                0 => producer.put("mail", number.to_string()).await.map(drop),
                _ => producer.put(bad, number.to_string()).await.map(drop),
            }
        }
    });
    for (number, result) in within(join_all(puts)).await.into_iter().enumerate() {
        assert_eq!(result.is_ok(), number % 2 == 0, "{number}: {result:?}");
    }
    let mut raw = server.raw();
    assert_eq!(raw.stats_tube("mail")["current-jobs-ready"], "100");
    let told = raw.stats();
    assert_eq!((told["total-jobs"].as_str(), told["current-connections"].as_str()), ("100", "2"));
}

#[tokio::test]
async fn a_bad_call_does_no_harm_to_a_reserve_that_waits() {
    let server = Beanstalkd::start();
    let connection = connection(&server).await;
    let reserve = connection.reserve();
    tokio::pin!(reserve);
    assert!(futures_util::future::poll_immediate(&mut reserve).await.is_none());
    for (name, parts) in bad_names() {
        assert_invalid(within(connection.put(&name, "hello")).await, "tube", &parts);
        assert_invalid(within(connection.watch(&name)).await, "tube", &parts);
    }
    let id = server.raw().put("default", "hello");
    assert_eq!(within(reserve).await.unwrap().id().0, id);
}
