//! `top`: a live dashboard of servers and their tubes.
//!
//! `sampler` looks at servers, `app` and `board` hold what is known and what keys do to it, `screen`
//! draws it; only this file brings them together.

mod app;
mod board;
#[cfg(test)]
mod fixture;
mod order;
mod question;
mod sample;
mod sampler;
mod screen;
mod show;
mod terminal;
mod trend;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::Event;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::output;
use crate::tubes::TubeChoice;
use app::{App, News, Wish};
use order::Order;
use sampler::{Sampler, Told};
use screen::Theme;
use terminal::Session;

/// How often spans on the screen are brought up to date while nothing else happens.
const REDRAW: Duration = Duration::from_secs(1);

/// News and orders that wait.
const WAITING: usize = 64;

/// Width of what `--once` prints, unless COLUMNS says otherwise.
const WIDTH: u16 = 120;

const EXAMPLES: &str = "\
Examples:
  beanwire top
  beanwire top --uri a:11300,b:11300 --tube 'mail*' --interval 2s
  beanwire top --once

Press ? for the keys.";

/// Watch servers and tubes live.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Time between two looks at every server: 100ms to 1h
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = interval)]
    interval: Duration,
    #[command(flatten)]
    tubes: TubeChoice,
    /// Print one screen as plain text and end, after two looks so that there are rates
    #[arg(long)]
    once: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let span = crate::span::parse(text)?;
    let limits = Duration::from_millis(100)..=Duration::from_hours(1);
    limits.contains(&span).then_some(span).ok_or_else(|| "the limits are 100ms and 1h".to_owned())
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let tubes = Arc::new(args.tubes);
    let uris = context.uris();
    let samplers = uris.iter().enumerate().map(|(server, uri)| Sampler {
        server,
        uri: uri.clone(),
        config: context.config.clone(),
        tubes: Arc::clone(&tubes),
    });
    let samplers: Vec<_> = samplers.collect();
    let app = App::new(uris, args.interval);
    if args.once {
        return once(app, samplers, args.interval, context).await;
    }
    if !context.stdout_terminal {
        return Err(Failure::usage("top needs a terminal, and standard output is none").hint(
            "`beanwire top --once` prints one screen, `beanwire stats --output json` figures",
        ));
    }
    let (news, told) = channel(WAITING);
    let mut watchers = Watchers { told, orders: Vec::new(), tasks: JoinSet::new() };
    for sampler in samplers {
        let (orders, incoming) = channel(WAITING);
        watchers.orders.push(orders);
        watchers.tasks.spawn(sampler.run(args.interval, incoming, news.clone()));
    }
    dashboard(app, watchers, context).await
}

/// Those who look at the servers. They end with this.
struct Watchers {
    told: Receiver<Told>,
    /// To each of them.
    orders: Vec<Sender<Order>>,
    tasks: JoinSet<()>,
}

async fn dashboard(mut app: App, watchers: Watchers, context: &Context) -> Result<(), Failure> {
    let Watchers { mut told, orders, mut tasks } = watchers;
    let stop = &context.stop;
    let theme = Theme::new(context.stdout_colour);
    let mut session = Session::open().map_err(no_terminal)?;
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        session.terminal.draw(|frame| {
            screen::settle(&mut app, frame.area());
            screen::draw(frame, &app, Instant::now(), theme);
        })?;
        tokio::select! {
            event = session.events.next() => match event {
                Some(Ok(Event::Key(key))) => match app.key(key) {
                    Wish::Nothing => {}
                    Wish::Quit => return Ok(()),
                    Wish::Suspend => {
                        drop(session);
                        suspend();
                        session = Session::open().map_err(no_terminal)?;
                    }
                    Wish::Do(server, order) => hand_over(&mut app, &orders, server, order),
                },
                // Another size, for one: everything is drawn anew.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(no_terminal(error)),
                None => return Ok(()),
            },
            Some((server, at, news)) = told.recv() => {
                app.hear(server, at, news);
                while let Ok((server, at, news)) = told.try_recv() {
                    app.hear(server, at, news);
                }
            }
            // None ends by itself; what is wrong was told where the screen was before.
            Some(_) = tasks.join_next() => return Err(Failure::told(Code::Refused)),
            _ = redraw.tick() => {}
            () = stop.soon.cancelled() => return Err(stop.failure()),
        }
    }
}

fn hand_over(app: &mut App, orders: &[Sender<Order>], server: usize, order: Order) {
    let sent = orders.get(server).map(|orders| orders.try_send(order));
    app.notice = Some(match sent {
        Some(Ok(())) => Ok("asked the server".to_owned()),
        _ => Err("the server has not answered to earlier keys yet".to_owned()),
    });
}

/// Stops the program, and whoever called it, until the shell has them go on.
fn suspend() {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, kill_current_process_group};
        // Where there is nobody to stop for, it just goes on.
        let _ = kill_current_process_group(Signal::TSTP);
    }
}

fn no_terminal(error: io::Error) -> Failure {
    Failure::usage(format!("the terminal cannot be used: {error}"))
        .hint("`beanwire top --once` prints one screen, `beanwire stats --output json` figures")
}

/// Looks at every server twice, so that there are rates, and prints what a tall screen would show.
async fn once(
    mut app: App,
    samplers: Vec<Sampler>,
    every: Duration,
    context: &Context,
) -> Result<(), Failure> {
    let looks = samplers.into_iter().map(|sampler| async move {
        let mut connection = None;
        let mut seen = Vec::new();
        for _ in 0..2 {
            if !seen.is_empty() {
                tokio::time::sleep(every).await;
            }
            let look = sampler.look(&mut connection).await;
            let failed = look.is_err();
            seen.push((
                sampler.server,
                Instant::now(),
                match look {
                    Ok(sample) => News::Up(Box::new(sample)),
                    Err(error) => News::Down(error.to_string()),
                },
            ));
            if failed {
                break;
            }
        }
        seen
    });
    let looks = context.unless_stopped(async { Ok(futures_util::future::join_all(looks).await) });
    for (server, at, news) in looks.await?.into_iter().flatten() {
        app.hear(server, at, news);
    }
    output::write(plain(&app).as_bytes())?;
    let down = app.boards.iter().filter(|board| !board.is_up()).count();
    match down {
        0 => Ok(()),
        // What is wrong stands in the screen.
        _ if down == app.boards.len() => Err(Failure::told(Code::Unreachable)),
        _ => Err(Failure::told(Code::Partial)),
    }
}

fn plain(app: &App) -> String {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = width.unwrap_or(WIDTH).clamp(40, 500);
    let now = Instant::now();
    let backend = TestBackend::new(width, screen::plain_height(app, now, width));
    let Ok(mut terminal) = Terminal::new(backend);
    let Ok(frame) = terminal.draw(|frame| screen::draw_plain(frame, app, now));
    let mut text = String::new();
    for row in frame.buffer.content().chunks(width.into()) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
