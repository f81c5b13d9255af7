//! Jobs as a stream, reserved when its reader asks.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, select};
use wit_bindgen::{StreamResult, StreamWriter};

use crate::bindings::exports::beanwire::client_async::consumer as api;
use crate::consumer::receive;
use crate::driver::Client;
use crate::time::{now, sleep_until};

/// How often a reader for whom a reserve waits is asked whether it still wants a job. It can go away
/// without a word.
const CHECK: Duration = Duration::from_secs(1);

/// Feeds a stream until its reader goes away or the consumer closes.
pub(crate) async fn feed(client: Rc<Client>, writer: StreamWriter<api::Job>) {
    let closing = client.closing();
    let _ = select(pin!(serve(&client, writer)), closing).await;
}

async fn serve(client: &Rc<Client>, mut writer: StreamWriter<api::Job>) {
    // Once the reader is gone nothing must be written any more: that would be a trap.
    while is_asked(&mut writer).await {
        let won = {
            let job = pin!(receive(client, None));
            match select(job, pin!(until_unasked(&mut writer))).await {
                Either::Left((won, _)) => won,
                Either::Right((StreamResult::Dropped, _)) => return,
                Either::Right(_) => continue,
            }
        };
        // The reader learns from `receive` what the error is.
        let Ok(Some(job)) = won else { return };
        // Unless it is taken it goes back, also if this ends while it waits for that.
        let taken = job.taken();
        let (result, _) = writer.write(vec![api::Job::new(job)]).await;
        if result == StreamResult::Dropped {
            return;
        }
        taken.set(true);
    }
}

/// Waits until the reader asks; false if it has gone away. A write of nothing tells.
async fn is_asked(writer: &mut StreamWriter<api::Job>) -> bool {
    writer.write(Vec::new()).await.0 != StreamResult::Dropped
}

/// Ends once the reader asks no more, and tells whether it has gone away.
async fn until_unasked(writer: &mut StreamWriter<api::Job>) -> StreamResult {
    loop {
        sleep_until(now() + CHECK).await;
        let mut probe = pin!(writer.write(Vec::new()));
        let look = poll_fn(|context| match probe.as_mut().poll(context) {
            Poll::Ready((result, _)) => Poll::Ready(result),
            Poll::Pending => Poll::Ready(probe.as_mut().cancel().0),
        });
        match look.await {
            StreamResult::Complete(_) => {}
            unasked => return unasked,
        }
    }
}
