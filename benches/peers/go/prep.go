package main

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prep/beanstalk"
)

// prep is github.com/prep/beanstalk: a pool with a lock on each connection. It asks the server for
// a job's statistics after each reserve, and sleeps a second whenever the tubes are empty.
type prep struct{}

// config counts the connections that are up. One that fails would be dialled again in silence, and
// what was on its way be put again.
func config(o options, up *atomic.Int64) beanstalk.Config {
	return beanstalk.Config{
		Multiply:      o.connections,
		NumGoroutines: o.inFlight,
		InfoFunc: func(message string) {
			if strings.HasPrefix(message, "Connected") {
				up.Add(1)
			}
		},
		ErrorFunc: func(err error, message string) { fail(message + ": " + err.Error()) },
	}
}

func (prep) producer(o options) producer {
	var up atomic.Int64
	pool, err := beanstalk.NewProducer([]string{o.uri}, config(o, &up))
	check(err)
	for up.Load() < int64(o.connections) || !pool.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	return &prepProducer{bytes.Repeat([]byte{'x'}, o.size), pool, o.tube}
}

type prepProducer struct {
	body []byte
	pool *beanstalk.Producer
	tube string
}

func (p *prepProducer) put(_ int, ttr time.Duration) {
	params := beanstalk.PutParams{Priority: priority, TTR: ttr}
	_, err := p.pool.Put(context.Background(), p.tube, p.body, params)
	check(err)
}

func (prep) consumer(o options) consumer {
	var up atomic.Int64
	pool, err := beanstalk.NewConsumer([]string{o.uri}, []string{o.tube}, config(o, &up))
	check(err)
	return &prepConsumer{pool}
}

type prepConsumer struct {
	pool *beanstalk.Consumer
}

// receive ends once the last handler has ended, whatever the connections then sleep or wait for.
func (c *prepConsumer) receive(total int, handle handler) {
	ctx, stop := context.WithCancel(context.Background())
	var done atomic.Int64
	c.pool.Receive(ctx, func(ctx context.Context, job *beanstalk.Job) {
		handle(job.Body, func() error { return job.Delete(ctx) })
		if done.Add(1) == int64(total) {
			stop()
		}
	})
}
