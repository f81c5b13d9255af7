//! The operations under way: futures that run on the JavaScript thread.
//!
//! What wakes them notes their number and has the event loop come round once, however many there are.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use slab::Slab;

use crate::record::Completion;

/// Has JavaScript call `turn`. It does not keep the process alive.
pub(crate) type Alarm = ThreadsafeFunction<(), (), (), Status, false, true>;

type Task = Pin<Box<dyn Future<Output = Completion>>>;

/// Operations by their numbers.
pub(crate) struct Tasks {
    tasks: Slab<Task>,
    /// One per number that was ever given out: it outlives the operations that bear the number.
    wakers: Vec<Waker>,
    woken: Arc<Woken>,
    /// Woken and not looked at yet.
    due: Vec<usize>,
    at: usize,
}

impl Tasks {
    pub(crate) fn new(alarm: Alarm) -> Self {
        let woken = Arc::new(Woken { numbers: Mutex::default(), alarm });
        Self { tasks: Slab::new(), wakers: Vec::new(), woken, due: Vec::new(), at: 0 }
    }

    /// Notes an operation, to be started by the next turn.
    pub(crate) fn add(&mut self, work: impl Future<Output = Completion> + 'static) -> u32 {
        let number = self.tasks.insert(Box::pin(work));
        if number == self.wakers.len() {
            let woken = Arc::clone(&self.woken);
            self.wakers.push(Waker::from(Arc::new(Numbered { number, woken })));
        }
        // JavaScript comes round by itself.
        self.woken.numbers().due.push(number);
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    pub(crate) fn cancel(&mut self, number: u32) {
        drop(self.tasks.try_remove(number as usize));
    }

    /// Runs what is due until `most` operations have ended, and hands those to `end`.
    pub(crate) fn run(&mut self, most: usize, mut end: impl FnMut(usize, Completion)) -> usize {
        let mut ended = 0;
        loop {
            while let Some(&number) = self.due.get(self.at) {
                if ended == most {
                    return ended;
                }
                self.at += 1;
                let (Some(task), Some(waker)) =
                    (self.tasks.get_mut(number), self.wakers.get(number))
                else {
                    continue;
                };
                if let Poll::Ready(completion) = task.as_mut().poll(&mut Context::from_waker(waker))
                {
                    drop(self.tasks.remove(number));
                    end(number, completion);
                    ended += 1;
                }
            }
            self.due.clear();
            self.at = 0;
            if !self.woken.take(&mut self.due) {
                return ended;
            }
        }
    }
}

/// Numbers of operations that may have ended.
struct Woken {
    numbers: Mutex<Numbers>,
    alarm: Alarm,
}

#[derive(Default)]
struct Numbers {
    due: Vec<usize>,
    /// A turn is running, or JavaScript was told to come round.
    expected: bool,
}

impl Woken {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is due; if nothing is, the next to come has the event loop come round.
    fn take(&self, due: &mut Vec<usize>) -> bool {
        let mut numbers = self.numbers();
        std::mem::swap(&mut numbers.due, due);
        numbers.expected = !due.is_empty();
        numbers.expected
    }

    fn add(&self, number: usize) {
        let first = {
            let mut numbers = self.numbers();
            numbers.due.push(number);
            !std::mem::replace(&mut numbers.expected, true)
        };
        if first {
            // It fails when the thread ends, and then nobody is there to be told.
            let _ = self.alarm.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

struct Numbered {
    number: usize,
    woken: Arc<Woken>,
}

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.woken.add(self.number);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.add(self.number);
    }
}
