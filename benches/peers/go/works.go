package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	priority = 1024
	ttr      = time.Minute
	// A held job must not come back while the others are measured, which takes a poller long.
	heldTTR = time.Hour
	// In which everything falls asleep.
	pause = 2 * time.Millisecond
	// In which all connections of an idle consumer come up.
	settle = time.Second
	// The longest a reserve waits.
	longest = 24 * time.Hour
)

func put(c client, o options) {
	producer := c.producer(o)
	some := func(jobs int) {
		each(o.inFlight, jobs, func(worker int) { producer.put(worker, ttr) })
	}
	some(o.warmUp)
	start := now()
	some(o.jobs)
	report(o.jobs, start, now(), nil)
}

// each calls work so many times, by so many goroutines.
func each(workers, times int, work func(worker int)) {
	var begun atomic.Int64
	var all sync.WaitGroup
	all.Add(workers)
	for worker := range workers {
		go func() {
			defer all.Done()
			for begun.Add(1) <= int64(times) {
				work(worker)
			}
		}()
	}
	all.Wait()
}

func consume(c client, o options) {
	consumer := c.consumer(o)
	warmUp, total := int64(o.warmUp), int64(o.warmUp+o.jobs)
	var done atomic.Int64
	start := make(chan moment, 1)
	if warmUp == 0 {
		start <- now()
	}
	consumer.receive(int(total), func(body []byte, remove func() error) {
		finish(o, body, remove)
		switch done.Add(1) {
		case total:
			end := now()
			report(o.jobs, <-start, end, nil)
		case warmUp:
			start <- now()
		}
	})
}

func finish(o options, body []byte, remove func() error) {
	if len(body) != o.size {
		fail(fmt.Sprintf("a body of %d bytes", len(body)))
	}
	check(remove())
}

// startup takes the one job that is there.
func startup(c client, o options) {
	o.warmUp, o.jobs = 0, 1
	consume(c, o)
}

func latency(c client, o options) {
	producer, consumer := c.producer(alone(o)), c.consumer(o)
	var taken atomic.Int64
	held, enough := make(chan struct{}), make(chan struct{})
	finished := make(chan time.Time)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		total := o.busy + o.warmUp + o.jobs
		consumer.receive(total, func(body []byte, remove func() error) {
			begin := time.Now()
			if taken.Add(1) <= int64(o.busy) {
				held <- struct{}{}
				<-enough
			}
			finish(o, body, remove)
			finished <- begin
		})
	}()
	for range o.busy {
		producer.put(0, heldTTR)
		<-held
	}
	var latencies []int64
	var start moment
	for round := range o.warmUp + o.jobs {
		if round == o.warmUp {
			start = now()
		}
		time.Sleep(pause)
		before := time.Now()
		producer.put(0, ttr)
		if begin := <-finished; round >= o.warmUp {
			latencies = append(latencies, begin.Sub(before).Nanoseconds())
		}
	}
	end := now()
	close(enough)
	for range o.busy {
		<-finished
	}
	<-stopped
	report(o.jobs, start, end, latencies)
}

// alone is the options of one goroutine with a connection of its own.
func alone(o options) options {
	o.connections, o.inFlight = 1, 1
	return o
}

// idle ends with the process: a reserve that waits cannot be called off.
func idle(c client, o options) {
	consumer := c.consumer(o)
	go consumer.receive(o.inFlight, func([]byte, func() error) { fail("a job") })
	time.Sleep(settle)
	start := now()
	time.Sleep(time.Duration(o.seconds) * time.Second)
	report(0, start, now(), nil)
}
