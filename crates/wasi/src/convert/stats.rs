//! Statistics.

use beanwire_core::stats;

use super::{job_state, millis};
use crate::bindings::exports::beanwire::client::types;

pub(crate) fn server_stats(stats: stats::ServerStats) -> types::ServerStats {
    types::ServerStats {
        current_jobs_urgent: stats.current_jobs_urgent,
        current_jobs_ready: stats.current_jobs_ready,
        current_jobs_reserved: stats.current_jobs_reserved,
        current_jobs_delayed: stats.current_jobs_delayed,
        current_jobs_buried: stats.current_jobs_buried,
        cmd_put: stats.cmd_put,
        cmd_peek: stats.cmd_peek,
        cmd_peek_ready: stats.cmd_peek_ready,
        cmd_peek_delayed: stats.cmd_peek_delayed,
        cmd_peek_buried: stats.cmd_peek_buried,
        cmd_reserve: stats.cmd_reserve,
        cmd_reserve_with_timeout: stats.cmd_reserve_with_timeout,
        cmd_delete: stats.cmd_delete,
        cmd_release: stats.cmd_release,
        cmd_use: stats.cmd_use,
        cmd_watch: stats.cmd_watch,
        cmd_ignore: stats.cmd_ignore,
        cmd_bury: stats.cmd_bury,
        cmd_kick: stats.cmd_kick,
        cmd_touch: stats.cmd_touch,
        cmd_stats: stats.cmd_stats,
        cmd_stats_job: stats.cmd_stats_job,
        cmd_stats_tube: stats.cmd_stats_tube,
        cmd_list_tubes: stats.cmd_list_tubes,
        cmd_list_tube_used: stats.cmd_list_tube_used,
        cmd_list_tubes_watched: stats.cmd_list_tubes_watched,
        cmd_pause_tube: stats.cmd_pause_tube,
        job_timeouts: stats.job_timeouts,
        total_jobs: stats.total_jobs,
        max_job_size: stats.max_job_size,
        current_tubes: stats.current_tubes,
        current_connections: stats.current_connections,
        current_producers: stats.current_producers,
        current_workers: stats.current_workers,
        current_waiting: stats.current_waiting,
        total_connections: stats.total_connections,
        pid: stats.pid,
        version: stats.version,
        rusage_utime_ms: millis(stats.rusage_utime),
        rusage_stime_ms: millis(stats.rusage_stime),
        uptime_ms: millis(stats.uptime),
        binlog_oldest_index: stats.binlog_oldest_index,
        binlog_current_index: stats.binlog_current_index,
        binlog_records_migrated: stats.binlog_records_migrated,
        binlog_records_written: stats.binlog_records_written,
        binlog_max_size: stats.binlog_max_size,
        draining: stats.draining,
        id: stats.id,
        hostname: stats.hostname,
        os: stats.os,
        platform: stats.platform,
    }
}

pub(crate) fn tube_stats(stats: stats::TubeStats) -> types::TubeStats {
    types::TubeStats {
        name: stats.name.to_string(),
        current_jobs_urgent: stats.current_jobs_urgent,
        current_jobs_ready: stats.current_jobs_ready,
        current_jobs_reserved: stats.current_jobs_reserved,
        current_jobs_delayed: stats.current_jobs_delayed,
        current_jobs_buried: stats.current_jobs_buried,
        total_jobs: stats.total_jobs,
        current_using: stats.current_using,
        current_watching: stats.current_watching,
        current_waiting: stats.current_waiting,
        cmd_delete: stats.cmd_delete,
        cmd_pause_tube: stats.cmd_pause_tube,
        pause_ms: millis(stats.pause),
        pause_time_left_ms: millis(stats.pause_time_left),
    }
}

pub(crate) fn job_stats(stats: stats::JobStats) -> types::JobStats {
    types::JobStats {
        id: stats.id.0,
        tube: stats.tube.to_string(),
        state: job_state(stats.state),
        priority: stats.priority.0,
        age_ms: millis(stats.age),
        delay_ms: millis(stats.delay),
        ttr_ms: millis(stats.ttr),
        time_left_s: stats.time_left,
        file: stats.file,
        reserves: stats.reserves,
        timeouts: stats.timeouts,
        releases: stats.releases,
        buries: stats.buries,
        kicks: stats.kicks,
    }
}
