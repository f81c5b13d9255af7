//! One table of cases, run with the native client and with the component: what is seen is the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod commands;
mod consuming;
mod convert;
mod face;
mod finishing;
mod native;
mod opening;
mod producing;
mod wasm;

use face::{Face, Seen};

/// The tube of all cases.
const TUBE: &str = "work";

/// How long a client may take that has to wait.
const LONG: u64 = 30_000;

/// Runs a case with one client. Each case has servers of its own, so job ids are alike.
fn run(case: fn(&dyn Face, &mut Seen), face: &dyn Face) -> Seen {
    let mut seen = Seen::default();
    case(face, &mut seen);
    assert!(!seen.is_empty(), "a case that sees nothing");
    seen
}

macro_rules! cases {
    ($($module:ident { $($name:ident,)* })*) => {$($(
        #[test]
        fn $name() {
            let native = run($module::$name, &native::Native);
            assert_eq!(run($module::$name, &wasm::Wasm), native, "the component, then native");
        }
    )*)*};
}

cases! {
    opening {
        a_bad_uri_is_refused,
        no_uri_is_refused,
        settings_out_of_range_are_refused,
        a_server_that_is_down_fails_a_connection_and_no_pool,
        a_server_named_twice_is_one,
    }
    producing {
        a_put_takes_the_defaults,
        a_put_takes_its_options,
        spans_are_rounded_up_to_seconds,
        bad_arguments_of_a_put_are_refused,
        a_job_too_big_is_refused,
        a_put_to_a_draining_server_goes_elsewhere_or_fails,
        a_put_without_memory_fails_or_is_buried,
        many_puts_have_results_in_their_order,
        a_producer_deletes_what_nobody_holds,
        a_put_without_a_server_fails_in_time,
        a_put_whose_answer_is_lost_is_done_again_or_in_doubt,
        a_closed_producer_refuses_work,
    }
    consuming {
        a_receive_takes_what_is_there,
        a_receive_finds_nothing,
        a_receive_takes_the_most_urgent_job,
        a_receive_waits_for_a_job,
        a_receive_takes_many,
        a_receive_ends_for_good_when_closed,
        default_is_watched_unless_tubes_are_named,
        jobs_that_are_held_are_counted_by_a_close,
        a_lost_connection_loses_the_job,
        a_reservation_that_ran_out_is_gone,
    }
    finishing {
        a_job_is_deleted,
        a_job_is_released_with_priority_and_delay,
        a_release_keeps_what_it_is_not_told,
        a_delay_out_of_range_keeps_the_job,
        a_release_without_memory_buries,
        a_job_is_buried,
        a_job_is_touched,
        a_job_is_finished_once,
        a_failed_job_follows_the_policy,
        a_failed_job_is_buried_in_the_end,
        a_failed_job_becomes_a_dead_letter,
        a_dropped_job_counts_as_failed,
        a_job_given_back_was_never_tried,
    }
    commands {
        tubes_are_used_and_watched,
        jobs_are_reserved_and_finished_by_id,
        jobs_are_peeked_at,
        jobs_are_kicked,
        a_tube_is_paused,
        statistics_are_read,
        what_does_not_exist_is_not_found,
        bad_arguments_of_commands_are_refused,
        a_deadline_is_told,
        a_connection_closes,
    }
}
