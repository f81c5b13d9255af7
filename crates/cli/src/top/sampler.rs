//! One task per server: it looks at the server at every tick and carries out orders, so that a server
//! that is silent holds up nothing but itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use beanwire::{Config, Connection, Error};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval};

use super::app::News;
use super::order::{Done, Order};
use super::sample::{Sample, sample};
use crate::tubes::TubeChoice;

/// What a look at a server needs.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    /// The server's place in the list.
    pub(crate) server: usize,
    pub(crate) uri: String,
    pub(crate) config: Config,
    pub(crate) tubes: Arc<TubeChoice>,
}

/// News of the server with this index.
pub(crate) type Told = (usize, Instant, News);

impl Sampler {
    /// Works until nobody listens to it or gives it orders.
    pub(crate) async fn run(
        self,
        every: Duration,
        mut orders: Receiver<Order>,
        news: Sender<Told>,
    ) {
        let mut connection = None;
        let mut ticks = interval(every);
        // A slow server is not asked more often for being slow.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let order = tokio::select! {
                _ = ticks.tick() => None,
                order = orders.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
            };
            if let Some(order) = order {
                let done = self.carry_out(&mut connection, order).await;
                let done = done.map_err(|error| error.to_string());
                if news.send((self.server, Instant::now(), News::Done(done))).await.is_err() {
                    return;
                }
                // And what it changed is shown at once.
                ticks.reset();
            }
            let seen = match self.look(&mut connection).await {
                Ok(sample) => News::Up(Box::new(sample)),
                Err(error) => News::Down(error.to_string()),
            };
            if news.send((self.server, Instant::now(), seen)).await.is_err() {
                return;
            }
        }
    }

    /// Looks once.
    pub(crate) async fn look(&self, connection: &mut Option<Connection>) -> Result<Sample, Error> {
        let open = self.connected(connection).await?;
        let seen = sample(open, &self.tubes).await;
        if seen.is_err() {
            *connection = None;
        }
        seen
    }

    async fn carry_out(
        &self,
        connection: &mut Option<Connection>,
        order: Order,
    ) -> Result<Done, Error> {
        order.carry_out(self.connected(connection).await?).await
    }

    /// The connection, or a new one: one that was lost would only be there again after a while, and
    /// until then its calls would wait.
    async fn connected<'a>(
        &self,
        connection: &'a mut Option<Connection>,
    ) -> Result<&'a Connection, Error> {
        let up = connection.take().filter(Connection::is_connected);
        let open = match up {
            Some(open) => open,
            None => Connection::open(&self.uri, self.config.clone()).await?,
        };
        Ok(connection.insert(open))
    }
}
