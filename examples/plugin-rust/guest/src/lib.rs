//! A plugin that queues requests for thumbnails, and works them off. It has no network of its own:
//! all it imports is the client's interface.

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "wit"],
        world: "example:thumbnails/plugin",
        generate_all,
    });
    export!(Plugin with_types_in self);
    use crate::Plugin;
}

use bindings::beanwire::client::consumer::{Consumer, Job};
use bindings::beanwire::client::producer::Producer;
use bindings::beanwire::client::types::{Error, NewJob};
use bindings::exports::example::thumbnails::thumbnails::{Guest, Summary};

const TUBE: &str = "thumbnails";

/// How many jobs are taken at a time.
const BATCH: u32 = 100;

/// How long an empty queue is waited on.
const WAIT_MS: u64 = 100;

/// How long the goodbye may take.
const CLOSE_MS: u64 = 1_000;

struct Plugin;

impl Guest for Plugin {
    fn run(server: String, images: Vec<String>) -> Result<Summary, String> {
        run(server, &images).map_err(|error| error.message)
    }
}

fn run(server: String, images: &[String]) -> Result<Summary, Error> {
    let servers = [server];
    let producer = Producer::open(&servers, None)?;
    let requests: Vec<_> = images.iter().map(|image| request(image)).collect();
    // One call for all of them: each call holds the whole instance until it is answered.
    let jobs = producer.put_many(&requests, None).into_iter().collect::<Result<Vec<_>, _>>()?;
    producer.close(CLOSE_MS);

    let requested = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    let mut summary = Summary { requested, made: Vec::new(), buried: Vec::new() };
    let consumer = Consumer::open(&servers, &[TUBE.to_owned()], None)?;
    loop {
        let jobs = consumer.receive_many(BATCH, WAIT_MS)?;
        if jobs.is_empty() {
            break;
        }
        work(&jobs, &mut summary)?;
    }
    consumer.close(CLOSE_MS);
    Ok(summary)
}

fn request(image: &str) -> NewJob {
    NewJob { tube: TUBE.to_owned(), body: image.as_bytes().to_vec(), options: None }
}

/// Sets aside what cannot be done, and deletes the rest in one go.
fn work(jobs: &[Job], summary: &mut Summary) -> Result<(), Error> {
    let mut done = Vec::new();
    for job in jobs {
        let image = String::from_utf8_lossy(&job.body()).into_owned();
        if is_image(&image) {
            // Here a plugin of yours does its work.
            summary.made.push(image);
            done.push(job);
        } else {
            job.bury(None)?;
            summary.buried.push(image);
        }
    }
    Consumer::delete_many(&done).into_iter().collect()
}

fn is_image(name: &str) -> bool {
    [".jpg", ".png"].iter().any(|end| name.ends_with(end))
}
