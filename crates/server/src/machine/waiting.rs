//! Who waits for jobs of a tube, and whose turn it is.

use super::ClientId;

/// The clients that wait for a job of one tube.
///
/// The turn goes round as it does in beanstalkd, where the last one fills every gap: it is not
/// first come, first served, and clients must not depend on it.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    clients: Vec<ClientId>,
    turn: usize,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(super) fn push(&mut self, client: ClientId) {
        self.clients.push(client);
    }

    pub(super) fn remove(&mut self, client: ClientId) {
        if let Some(at) = self.clients.iter().position(|waiting| *waiting == client) {
            self.clients.swap_remove(at);
        }
    }

    /// Somebody got a job without a wait. In beanstalkd that is a wait of no time, which moves the
    /// turn as well. Nobody else waits, or the job would not have been there.
    pub(super) fn pass(&mut self) {
        self.turn = 1;
    }

    /// Takes the one whose turn it is.
    pub(super) fn take(&mut self) -> Option<ClientId> {
        if self.clients.is_empty() {
            return None;
        }
        let at = self.turn % self.clients.len();
        self.turn = at + 1;
        Some(self.clients.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_goes_round_and_the_last_one_fills_the_gap() {
        let mut waiting = Waiting::default();
        (1..=4).map(ClientId).for_each(|client| waiting.push(client));
        let taken: Vec<_> = std::iter::from_fn(|| waiting.take()).map(|client| client.0).collect();
        assert_eq!(taken, [1, 2, 4, 3]);
    }

    #[test]
    fn a_job_without_a_wait_moves_the_turn() {
        let mut waiting = Waiting::default();
        waiting.pass();
        (1..=3).map(ClientId).for_each(|client| waiting.push(client));
        let taken: Vec<_> = std::iter::from_fn(|| waiting.take()).map(|client| client.0).collect();
        assert_eq!(taken, [2, 1, 3]);
    }

    #[test]
    fn one_that_left_is_not_taken() {
        let mut waiting = Waiting::default();
        [1, 2].map(ClientId).into_iter().for_each(|client| waiting.push(client));
        waiting.remove(ClientId(1));
        waiting.remove(ClientId(9));
        assert_eq!((waiting.len(), waiting.take()), (1, Some(ClientId(2))));
    }
}
