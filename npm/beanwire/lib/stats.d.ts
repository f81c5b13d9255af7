/** The statistics of a job. Spans are in seconds. */
export interface JobStats {
  id: bigint;
  /** The tube that holds it. */
  tube: string;
  /** Where it is in its life. */
  state: 'ready' | 'delayed' | 'reserved' | 'buried';
  /** The priority of the last put, release or bury. */
  priority: number;
  /** Time since the put. */
  age: number;
  /** The delay of the last put or release. */
  delay: number;
  /** How long a reservation lasts. */
  ttr: number;
  /** Until the reservation or the delay ends; means nothing in other states, and may be negative. */
  timeLeft: number;
  /** Oldest binlog file that holds it, 0 without a binlog. */
  file: number;
  /** Times reserved. */
  reserves: number;
  /** Times a reservation outlived the TTR. */
  timeouts: number;
  /** Times released. */
  releases: number;
  /** Times buried. */
  buries: number;
  /** Times kicked. */
  kicks: number;
  /** Keys that this version does not know, as the server wrote them. */
  other: Record<string, string>;
}

/**
 * The statistics of a tube, counted since it came to be: a tube without jobs, users and watchers is
 * forgotten with its counts. Spans are in seconds.
 */
export interface TubeStats {
  name: string;
  /** Ready jobs with a priority below 1024. */
  currentJobsUrgent: number;
  currentJobsReady: number;
  currentJobsReserved: number;
  currentJobsDelayed: number;
  currentJobsBuried: number;
  /** Jobs ever put into the tube. */
  totalJobs: number;
  /** Open connections that put into the tube. */
  currentUsing: number;
  /** Open connections that reserve from the tube. */
  currentWatching: number;
  /** Connections waiting in a reserve on the tube. */
  currentWaiting: number;
  /** Jobs of the tube deleted. */
  cmdDelete: number;
  /** `pause-tube` commands. */
  cmdPauseTube: number;
  /** Length of the running pause, 0 if there is none. */
  pause: number;
  /** What is left of the pause. */
  pauseTimeLeft: number;
  /** Keys that this version does not know, as the server wrote them. */
  other: Record<string, string>;
}

/** The statistics of a server, counted since it started. Spans are in seconds. */
export interface ServerStats {
  /** Ready jobs with a priority below 1024. */
  currentJobsUrgent: number;
  currentJobsReady: number;
  currentJobsReserved: number;
  currentJobsDelayed: number;
  currentJobsBuried: number;
  cmdPut: number;
  cmdPeek: number;
  cmdPeekReady: number;
  cmdPeekDelayed: number;
  cmdPeekBuried: number;
  cmdReserve: number;
  cmdReserveWithTimeout: number;
  cmdDelete: number;
  cmdRelease: number;
  cmdUse: number;
  cmdWatch: number;
  cmdIgnore: number;
  cmdBury: number;
  cmdKick: number;
  cmdTouch: number;
  cmdStats: number;
  cmdStatsJob: number;
  cmdStatsTube: number;
  cmdListTubes: number;
  cmdListTubeUsed: number;
  cmdListTubesWatched: number;
  cmdPauseTube: number;
  /** Reservations that outlived their TTR. */
  jobTimeouts: number;
  /** Jobs ever put. */
  totalJobs: number;
  /** Largest body the server takes, in bytes. */
  maxJobSize: number;
  currentTubes: number;
  currentConnections: number;
  /** Open connections that have put a job. */
  currentProducers: number;
  /** Open connections that have reserved a job. */
  currentWorkers: number;
  /** Connections waiting in a reserve. */
  currentWaiting: number;
  totalConnections: number;
  pid: number;
  version: string;
  /** Processor time spent in the server itself. */
  rusageUtime: number;
  /** Processor time spent in the kernel for it. */
  rusageStime: number;
  uptime: number;
  /** Oldest binlog file, 0 without a binlog. */
  binlogOldestIndex: number;
  binlogCurrentIndex: number;
  binlogRecordsMigrated: number;
  binlogRecordsWritten: number;
  /** Largest binlog file, in bytes. */
  binlogMaxSize: number;
  /** Whether the server refuses new jobs. */
  draining: boolean;
  /** A random text that changes with every start of the server. */
  id: string;
  hostname: string;
  os: string;
  platform: string;
  /** Keys that this version does not know, as the server wrote them. */
  other: Record<string, string>;
}
