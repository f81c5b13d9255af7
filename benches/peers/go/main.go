// Beanwire-bench-go measures one Go client of beanstalkd once, in one process, and prints the figures
// as one line of JSON.
//
//	client         in flight at a time
//	prep           any number of goroutines; a pool, so each connection has one command on its way
//	go-beanstalk   any number of goroutines on a connection, pipelined
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// options are what the flags say.
type options struct {
	client, work, uri, tube     string
	size, connections, inFlight int
	jobs, warmUp, busy, seconds int
}

// A client is one library behind an interface that costs it nothing. What goes wrong ends the
// program.
type client interface {
	// producer opens all its connections.
	producer(o options) producer
	consumer(o options) consumer
}

type producer interface {
	// put waits until the job is confirmed. It is called by one goroutine of each number at a time.
	put(worker int, ttr time.Duration)
}

type consumer interface {
	// receive runs handle on so many jobs, at most inFlight at a time, and returns when all have ended.
	receive(total int, handle handler)
}

type handler func(body []byte, remove func() error)

var clients = map[string]client{"prep": prep{}, "go-beanstalk": goBeanstalk{}}

var works = map[string]func(client, options){
	"put": put, "consume": consume, "latency": latency, "idle": idle, "startup": startup,
}

func main() {
	var o options
	flag.StringVar(&o.client, "client", "", "the `name` of a library")
	flag.StringVar(&o.work, "work", "", "put, consume, latency, idle or startup")
	flag.StringVar(&o.uri, "uri", "", "`host:port` of the server")
	flag.StringVar(&o.tube, "tube", "", "the `name` of the tube")
	flag.IntVar(&o.size, "size", 0, "bytes of a body")
	flag.IntVar(&o.connections, "connections", 1, "connections to the server")
	flag.IntVar(&o.inFlight, "in-flight", 1, "jobs at a time over all connections")
	flag.IntVar(&o.jobs, "jobs", 0, "jobs that are measured")
	flag.IntVar(&o.warmUp, "warm-up", 0, "jobs before those")
	flag.IntVar(&o.busy, "busy", 0, "handlers that hold a job meanwhile (latency)")
	flag.IntVar(&o.seconds, "seconds", 0, "how long nothing happens (idle)")
	flag.Parse()
	client, work := clients[o.client], works[o.work]
	if client == nil || work == nil {
		fmt.Fprintln(os.Stderr, "unknown client or work")
		os.Exit(2)
	}
	work(client, o)
}

// A moment is what time it was, and how much processor time the process had used by then.
type moment struct {
	wall time.Time
	cpu  time.Duration
}

func now() moment {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return moment{time.Now(), time.Duration(usage.Utime.Nano() + usage.Stime.Nano())}
}

// report prints the line.
func report(jobs int, start, end moment, latencies []int64) {
	check(json.NewEncoder(os.Stdout).Encode(struct {
		Jobs       int     `json:"jobs"`
		Seconds    float64 `json:"seconds"`
		CPU        float64 `json:"cpu"`
		PeakMemory int     `json:"peak_memory"`
		Latencies  []int64 `json:"latencies,omitempty"`
	}{jobs, end.wall.Sub(start.wall).Seconds(), (end.cpu - start.cpu).Seconds(), peakMemory(), latencies}))
}

// peakMemory is in bytes. What getrusage tells would begin with the peak of the parent process.
func peakMemory() (kib int) {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(rest, &kib)
	check(err)
	return kib * 1024
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}
