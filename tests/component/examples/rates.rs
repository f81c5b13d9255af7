//! How fast the component puts beside the native client, and how long an instance takes to make:
//! `cargo run --release -p beanwire-component-tests --example rates`.
//!
//! Both put to one real server in rounds that alternate, so that whatever else the machine does hits
//! both alike.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a measurement that fails should say so on the spot"
)]

use std::time::Instant;

use beanwire::{NewJob, TubeName};
use beanwire_component_tests::{Component, DEFAULTS, Grants, Host, Producer, job, runtime};
use beanwire_tests::Beanstalkd;

/// Rounds of each kind; odd, so that there is a median.
const ROUNDS: usize = 11;

/// Puts one after the other in a round.
const SINGLE: usize = 2000;

/// Puts of a batch, and batches of a round.
const BATCH: usize = 1000;
const BATCHES: usize = 20;

/// Instances made.
const INSTANCES: usize = 101;

const BODY: [u8; 100] = [b'x'; 100];

/// The tube that needs no `use`.
const TUBE: &str = "default";

/// Work done per second.
fn rate(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn native_single(producer: &beanwire::Producer) -> f64 {
    rate(SINGLE, || {
        runtime().block_on(async {
            for _ in 0..SINGLE {
                producer.put(TUBE, &BODY[..]).await.expect("a put");
            }
        });
    })
}

fn component_single(producer: &Producer) -> f64 {
    rate(SINGLE, || {
        for _ in 0..SINGLE {
            producer.put(TUBE, &BODY, None, None).expect("a put");
        }
    })
}

fn native_batches(producer: &beanwire::Producer) -> f64 {
    let tube = TubeName::new(TUBE).expect("a tube");
    let one = NewJob::new(&tube, &BODY[..]).expect("a job");
    rate(BATCH * BATCHES, || {
        runtime().block_on(async {
            for _ in 0..BATCHES {
                for put in producer.put_many(vec![one.clone(); BATCH]).await {
                    put.expect("a put");
                }
            }
        });
    })
}

fn component_batches(producer: &Producer) -> f64 {
    let jobs = vec![job(TUBE, BODY); BATCH];
    rate(BATCH * BATCHES, || {
        for _ in 0..BATCHES {
            for put in producer.put_many(&jobs, None) {
                put.expect("a put");
            }
        }
    })
}

/// Runs both in turn and prints their medians.
fn compare(what: &str, mut native: impl FnMut() -> f64, mut component: impl FnMut() -> f64) {
    // The first round of each warms up.
    native();
    component();
    let (mut natives, mut components) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        natives.push(native());
        components.push(component());
    }
    let (native, component) = (median(natives), median(components));
    let ratio = component / native;
    println!("{what:<10}{native:>12.0}{component:>12.0}{ratio:>8.2}");
}

/// Puts to a server of its own, so that no queue grows into the other measurement.
fn puts(what: &str, single: bool) {
    let server = Beanstalkd::start();
    let config = beanwire::Config::default();
    let native = runtime().block_on(beanwire::Producer::open(server.uri(), config));
    let native = native.expect("a native producer");
    let host = Host::start(Component::Plain, Grants::connect(server.addr()));
    let producer = host.producer(&[&server.uri()], &DEFAULTS).expect("a producer");
    if single {
        compare(what, || native_single(&native), || component_single(&producer));
    } else {
        compare(what, || native_batches(&native), || component_batches(&producer));
    }
}

fn instances(component: Component) {
    // Compiles it.
    drop(Host::start(component, Grants::none()));
    let make = |_| {
        let start = Instant::now();
        let host = Host::start(component, Grants::none());
        let micros = start.elapsed().as_secs_f64() * 1e6;
        drop(host);
        micros
    };
    let micros = median((0..INSTANCES).map(make).collect());
    println!("{component:?}: {micros:.0} us for an instance of the compiled component");
}

fn main() {
    if cfg!(debug_assertions) {
        println!("This is no release build: the numbers mean little.");
    }
    println!("puts/s        native   component   ratio");
    puts("put", true);
    puts("put-many", false);
    instances(Component::Plain);
    instances(Component::Tls);
}
