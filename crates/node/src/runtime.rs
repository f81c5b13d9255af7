//! The tokio runtime of embedded servers.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Builder, Runtime};

static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// The runtime, for as long as anything holds it: it ends with the last server of the process, and
/// the next one starts another.
#[derive(Debug)]
pub(crate) struct Shared(Option<Runtime>);

impl Shared {
    /// The running one, or a new one.
    ///
    /// # Errors
    /// What the system says if it has no thread to give.
    pub(crate) fn get() -> std::io::Result<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("beanwire")
            .enable_io()
            .enable_time()
            .build()?;
        let started = Arc::new(Self(Some(runtime)));
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// Runs `work` to its end; not to be called on the runtime's own thread.
    ///
    /// None if the runtime is on its way out.
    pub(crate) fn run<R>(&self, work: impl Future<Output = R>) -> Option<R> {
        self.0.as_ref().map(|runtime| runtime.block_on(work))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last one may be let go on the runtime's own thread, which must not wait for itself.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
