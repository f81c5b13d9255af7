//! Holding back what one thread sends, so that it leaves together.

use std::cell::RefCell;
use std::sync::Arc;

use super::Driver;
use super::wire::Wire;

type Held = Vec<(Arc<Driver>, Arc<Wire>)>;

thread_local! {
    /// What waits for the end of [`corked`] on this thread; none outside of it.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Runs `work`; what it makes clients send leaves when it returns, in as few writes as may be.
///
/// Many puts and deletes that one thread submits in a row then cost one write per connection instead
/// of one each. Only what `work` does on this thread, without awaiting, is held back: poll futures in
/// it, or submit operations. May be nested: the outermost counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = beanwire_server::Server::start().await?;
/// use std::future::{IntoFuture, poll_fn};
/// use std::task::Poll;
///
/// use beanwire::{Config, Producer};
///
/// let producer = Producer::open(server.uri(), Config::default()).await?;
/// let mut puts: Vec<_> = (0..100).map(|_| producer.put("mail", "hello").into_future()).collect();
/// // Starts them all; each is awaited below.
/// poll_fn(|context| {
///     beanwire::corked(|| puts.iter_mut().for_each(|put| drop(put.as_mut().poll(context))));
///     Poll::Ready(())
/// })
/// .await;
/// for put in puts {
///     put.await?;
/// }
/// # Ok(())
/// # }
/// ```
pub fn corked<R>(work: impl FnOnce() -> R) -> R {
    let outermost = HELD.with_borrow_mut(|held| match held {
        Some(_) => false,
        None => {
            *held = Some(Vec::new());
            true
        }
    });
    let _uncork = outermost.then(|| Uncork);
    work()
}

/// Sends what was held back, also when `work` panics.
struct Uncork;

impl Drop for Uncork {
    fn drop(&mut self) {
        let held = HELD.take().unwrap_or_default();
        held.iter().for_each(|(driver, wire)| wire.flush(driver));
    }
}

/// Has the connection write: now, when its task gets round to it, or at the end of [`corked`].
pub(super) fn flush(driver: &Arc<Driver>, wire: Arc<Wire>, busy: bool) {
    let now = HELD.with_borrow_mut(|held| match held {
        Some(held) => {
            if !held.iter().any(|(_, other)| Arc::ptr_eq(other, &wire)) {
                held.push((Arc::clone(driver), wire));
            }
            None
        }
        None => Some(wire),
    });
    match now {
        Some(wire) if busy => wire.kick(),
        Some(wire) => wire.flush(driver),
        None => {}
    }
}
