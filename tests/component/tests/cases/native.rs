//! The native client, made to wait as the component does.

use beanwire::{Connection, Consumer, Error, Finish, Job, Priority, Producer, Seconds};
use beanwire_component_tests::types::{CloseReport, InsertedJob, JobStats, NewJob, TubeStats};
use beanwire_component_tests::{Config, PutOptions, runtime};

use crate::convert::{self, ms, new_job};
use crate::face::{Connected, Consuming, Face, Held, Peeked, Producing, Told, Trouble};

/// How long a job that is there already may take to arrive.
const AT_ONCE: u64 = 300;

/// How long a call may take before it must be hanging.
const PATIENCE: u64 = 60_000;

pub(crate) struct Native;

/// Runs a call to its end.
fn wait<F: IntoFuture>(call: F) -> F::Output {
    let call = async { tokio::time::timeout(ms(PATIENCE), call).await };
    runtime().block_on(call).expect("a call that ends")
}

fn told<T>(result: Result<T, Error>) -> Told<T> {
    result.map_err(Trouble::from)
}

fn held(job: Job) -> Box<dyn Held> {
    Box::new(job)
}

impl Face for Native {
    fn producer(&self, uris: &[&str], config: &Config) -> Told<Box<dyn Producing>> {
        let producer = told(wait(Producer::open(uris, convert::config(config))))?;
        Ok(Box::new(producer))
    }

    fn consumer(&self, uris: &[&str], tubes: &[&str], config: &Config) -> Told<Box<dyn Consuming>> {
        let config = convert::config(config);
        let consumer = told(wait(Consumer::open(uris, tubes.to_vec(), config)))?;
        Ok(Box::new(consumer))
    }

    fn connection(&self, uri: &str, config: &Config) -> Told<Box<dyn Connected>> {
        let connection = told(wait(Connection::open(uri, convert::config(config))))?;
        Ok(Box::new(connection))
    }
}

impl Producing for Producer {
    fn put(
        &self,
        tube: &str,
        body: &[u8],
        options: Option<PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Told<InsertedJob> {
        let put = self.put_job(new_job(tube, body, options)?);
        let inserted = match timeout_ms {
            Some(timeout) => wait(put.timeout(ms(timeout))),
            None => wait(put),
        };
        told(inserted).map(|job| convert::inserted(&job))
    }

    fn put_many(&self, jobs: &[NewJob]) -> Vec<Told<InsertedJob>> {
        let jobs: Vec<_> =
            jobs.iter().map(|job| new_job(&job.tube, &job.body, job.options)).collect();
        let good = jobs.iter().flatten().cloned();
        let mut results = wait(self.put_many(good)).into_iter();
        let put = |job: Told<_>| {
            job.and_then(|_| told(results.next().unwrap())).map(|job| convert::inserted(&job))
        };
        jobs.into_iter().map(put).collect()
    }

    fn delete(&self, server: u32, id: u64) -> Told<()> {
        let servers = self.servers();
        let server = &servers[usize::try_from(server).unwrap()];
        told(wait(self.delete(server, id)))
    }

    fn ready(&self, timeout_ms: u64) -> Told<()> {
        told(wait(self.ready(ms(timeout_ms))))
    }

    fn servers(&self) -> usize {
        self.servers().len()
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        convert::report(wait(self.close(ms(timeout_ms))))
    }
}

impl Consuming for Consumer {
    fn receive(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>> {
        let timeout = ms(timeout_ms.max(AT_ONCE));
        let next = wait(async { tokio::time::timeout(timeout, self.next_job()).await });
        next.map_or(Ok(None), |job| told(job).map(|job| Some(held(job))))
    }

    fn receive_many(&self, max: u32, timeout_ms: u64) -> Told<Vec<Box<dyn Held>>> {
        let mut jobs = Vec::new();
        let mut timeout = timeout_ms;
        while jobs.len() < usize::try_from(max).unwrap() {
            let Some(job) = Consuming::receive(self, timeout)? else { break };
            jobs.push(job);
            timeout = 0;
        }
        Ok(jobs)
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        convert::report(wait(self.close(ms(timeout_ms))))
    }
}

impl Held for Job {
    fn id(&self) -> u64 {
        self.id().0
    }

    fn body(&self) -> Vec<u8> {
        self.body().to_vec()
    }

    fn is_lost(&self) -> bool {
        self.is_lost()
    }

    fn stats(&self) -> Told<JobStats> {
        told(wait(self.stats())).map(|stats| convert::job_stats(&stats))
    }

    fn touch(&self) -> Told<()> {
        told(wait(self.touch()))
    }

    fn delete(&self) -> Told<()> {
        told(wait(self.finish_by_ref(Finish::Delete)))
    }

    fn release(&self, priority: Option<u32>, delay_ms: Option<u64>) -> Told<()> {
        let delay = Seconds::from_duration("delay", ms(delay_ms.unwrap_or_default()))?;
        let priority = priority.map(Priority);
        told(wait(self.finish_by_ref(Finish::Release { priority, delay })))
    }

    fn bury(&self, priority: Option<u32>) -> Told<()> {
        told(wait(self.finish_by_ref(Finish::Bury { priority: priority.map(Priority) })))
    }

    fn fail(&self) -> Told<()> {
        told(wait(self.finish_by_ref(Finish::Fail)))
    }

    fn give_back(&self) {
        self.give_back();
    }
}

impl Connected for Connection {
    fn put(&self, tube: &str, body: &[u8], options: Option<PutOptions>) -> Told<InsertedJob> {
        let job = new_job(tube, body, options)?;
        told(wait(self.put_job(job))).map(|job| convert::inserted(&job))
    }

    fn use_tube(&self, tube: &str) -> Told<()> {
        told(wait(self.use_tube(tube)))
    }

    fn watch(&self, tube: &str) -> Told<u64> {
        told(wait(self.watch(tube)))
    }

    fn ignore(&self, tube: &str) -> Told<u64> {
        told(wait(self.ignore(tube)))
    }

    fn reserve(&self) -> Told<Box<dyn Held>> {
        told(wait(self.reserve())).map(held)
    }

    fn reserve_with_timeout(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>> {
        told(wait(self.reserve_with_timeout(ms(timeout_ms)))).map(|job| job.map(held))
    }

    fn reserve_job(&self, id: u64) -> Told<Box<dyn Held>> {
        told(wait(self.reserve_job(id))).map(held)
    }

    fn delete(&self, id: u64) -> Told<()> {
        told(wait(self.delete(id)))
    }

    fn release(&self, id: u64, priority: u32, delay_ms: u64) -> Told<()> {
        told(wait(self.release(id, priority, ms(delay_ms))))
    }

    fn bury(&self, id: u64, priority: u32) -> Told<()> {
        told(wait(self.bury(id, priority)))
    }

    fn touch(&self, id: u64) -> Told<()> {
        told(wait(self.touch(id)))
    }

    fn peek(&self, id: u64) -> Told<Vec<u8>> {
        told(wait(self.peek(id))).map(|job| job.body().to_vec())
    }

    fn peeks(&self, tube: &str) -> [Told<Option<Peeked>>; 3] {
        [wait(self.peek_ready(tube)), wait(self.peek_delayed(tube)), wait(self.peek_buried(tube))]
            .map(|peeked| told(peeked).map(|job| job.map(|job| (job.id().0, job.body().to_vec()))))
    }

    fn kick(&self, tube: &str, bound: u32) -> Told<u64> {
        told(wait(self.kick(tube, bound)))
    }

    fn kick_job(&self, id: u64) -> Told<()> {
        told(wait(self.kick_job(id)))
    }

    fn stats_tube(&self, tube: &str) -> Told<TubeStats> {
        told(wait(self.stats_tube(tube))).map(|stats| convert::tube_stats(&stats))
    }

    fn stats_job(&self, id: u64) -> Told<JobStats> {
        told(wait(self.stats_job(id))).map(|stats| convert::job_stats(&stats))
    }

    fn list_tubes(&self) -> Told<Vec<String>> {
        told(wait(self.list_tubes())).map(names)
    }

    fn list_tubes_watched(&self) -> Told<Vec<String>> {
        told(wait(self.list_tubes_watched())).map(names)
    }

    fn list_tube_used(&self) -> Told<String> {
        told(wait(self.list_tube_used())).map(|tube| tube.as_str().to_owned())
    }

    fn pause_tube(&self, tube: &str, delay_ms: u64) -> Told<()> {
        told(wait(self.pause_tube(tube, ms(delay_ms))))
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        convert::report(wait(self.close(ms(timeout_ms))))
    }
}

fn names(tubes: Vec<beanwire::TubeName>) -> Vec<String> {
    tubes.iter().map(|tube| tube.as_str().to_owned()).collect()
}
