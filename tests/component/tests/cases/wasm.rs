//! The component, in an instance that may connect to the servers of the case and nowhere else.

use beanwire_component_tests::types::{CloseReport, InsertedJob, JobStats, NewJob, TubeStats};
use beanwire_component_tests::{
    Component, Config, Connection, Consumer, Error, Grants, Host, Job, Producer, PutOptions,
};

use crate::face::{Connected, Consuming, Face, Held, Peeked, Producing, Told, Trouble};

pub(crate) struct Wasm;

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let code = format!("{:?}", error.code).replace("ErrorCode::", "");
        Self { code, outcome: error.outcome, retry: error.retry }
    }
}

fn told<T>(result: Result<T, Error>) -> Told<T> {
    result.map_err(Trouble::from)
}

fn host(uris: &[&str]) -> Host {
    let addrs = uris.iter().filter_map(|uri| uri.rsplit('/').next()?.parse().ok());
    Host::start(Component::Plain, addrs.fold(Grants::none(), Grants::and))
}

fn held(job: Job) -> Box<dyn Held> {
    Box::new(job)
}

impl Face for Wasm {
    fn producer(&self, uris: &[&str], config: &Config) -> Told<Box<dyn Producing>> {
        let producer = told(host(uris).producer(uris, config))?;
        Ok(Box::new(producer))
    }

    fn consumer(&self, uris: &[&str], tubes: &[&str], config: &Config) -> Told<Box<dyn Consuming>> {
        let consumer = told(host(uris).consumer(uris, tubes, config))?;
        Ok(Box::new(consumer))
    }

    fn connection(&self, uri: &str, config: &Config) -> Told<Box<dyn Connected>> {
        let connection = told(host(&[uri]).connection(uri, config))?;
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
        told(self.put(tube, body, options, timeout_ms))
    }

    fn put_many(&self, jobs: &[NewJob]) -> Vec<Told<InsertedJob>> {
        self.put_many(jobs, None).into_iter().map(told).collect()
    }

    fn delete(&self, server: u32, id: u64) -> Told<()> {
        told(self.delete(server, id))
    }

    fn ready(&self, timeout_ms: u64) -> Told<()> {
        told(self.ready(timeout_ms))
    }

    fn servers(&self) -> usize {
        self.servers().len()
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        self.close(timeout_ms)
    }
}

impl Consuming for Consumer {
    fn receive(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>> {
        told(self.receive(timeout_ms)).map(|job| job.map(held))
    }

    fn receive_many(&self, max: u32, timeout_ms: u64) -> Told<Vec<Box<dyn Held>>> {
        let jobs = told(self.receive_many(max, timeout_ms))?;
        Ok(jobs.into_iter().map(held).collect())
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        self.close(timeout_ms)
    }
}

impl Held for Job {
    fn id(&self) -> u64 {
        self.id()
    }

    fn body(&self) -> Vec<u8> {
        self.body()
    }

    fn is_lost(&self) -> bool {
        self.is_lost()
    }

    fn stats(&self) -> Told<JobStats> {
        told(self.stats())
    }

    fn touch(&self) -> Told<()> {
        told(self.touch())
    }

    fn delete(&self) -> Told<()> {
        told(self.delete())
    }

    fn release(&self, priority: Option<u32>, delay_ms: Option<u64>) -> Told<()> {
        told(self.release(priority, delay_ms))
    }

    fn bury(&self, priority: Option<u32>) -> Told<()> {
        told(self.bury(priority))
    }

    fn fail(&self) -> Told<()> {
        told(self.fail())
    }

    fn give_back(&self) {
        self.give_back();
    }
}

impl Connected for Connection {
    fn put(&self, tube: &str, body: &[u8], options: Option<PutOptions>) -> Told<InsertedJob> {
        told(self.put(tube, body, options, None))
    }

    fn use_tube(&self, tube: &str) -> Told<()> {
        told(self.use_tube(tube))
    }

    fn watch(&self, tube: &str) -> Told<u64> {
        told(self.watch(tube))
    }

    fn ignore(&self, tube: &str) -> Told<u64> {
        told(self.ignore(tube))
    }

    fn reserve(&self) -> Told<Box<dyn Held>> {
        told(self.reserve()).map(held)
    }

    fn reserve_with_timeout(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>> {
        told(self.reserve_with_timeout(timeout_ms)).map(|job| job.map(held))
    }

    fn reserve_job(&self, id: u64) -> Told<Box<dyn Held>> {
        told(self.reserve_job(id)).map(held)
    }

    fn delete(&self, id: u64) -> Told<()> {
        told(self.delete(id))
    }

    fn release(&self, id: u64, priority: u32, delay_ms: u64) -> Told<()> {
        told(self.release(id, priority, delay_ms))
    }

    fn bury(&self, id: u64, priority: u32) -> Told<()> {
        told(self.bury(id, priority))
    }

    fn touch(&self, id: u64) -> Told<()> {
        told(self.touch(id))
    }

    fn peek(&self, id: u64) -> Told<Vec<u8>> {
        told(self.peek(id)).map(|job| job.body)
    }

    fn peeks(&self, tube: &str) -> [Told<Option<Peeked>>; 3] {
        [self.peek_ready(tube), self.peek_delayed(tube), self.peek_buried(tube)]
            .map(|peeked| told(peeked).map(|job| job.map(|job| (job.id, job.body))))
    }

    fn kick(&self, tube: &str, bound: u32) -> Told<u64> {
        told(self.kick(tube, bound))
    }

    fn kick_job(&self, id: u64) -> Told<()> {
        told(self.kick_job(id))
    }

    fn stats_tube(&self, tube: &str) -> Told<TubeStats> {
        told(self.stats_tube(tube))
    }

    fn stats_job(&self, id: u64) -> Told<JobStats> {
        told(self.stats_job(id))
    }

    fn list_tubes(&self) -> Told<Vec<String>> {
        told(self.list_tubes())
    }

    fn list_tubes_watched(&self) -> Told<Vec<String>> {
        told(self.list_tubes_watched())
    }

    fn list_tube_used(&self) -> Told<String> {
        told(self.list_tube_used())
    }

    fn pause_tube(&self, tube: &str, delay_ms: u64) -> Told<()> {
        told(self.pause_tube(tube, delay_ms))
    }

    fn close(&self, timeout_ms: u64) -> CloseReport {
        self.close(timeout_ms)
    }
}
