//! One link, from the first packet after CONNACK to its end.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use super::{
    super::ports::DeviceService,
    clock::Clock,
    codec::{Step, decode, encode},
    end::End,
    job::{Job, Outcome, perform},
    mail::Mail,
    mailbox::{Cut, Mailbox, Order},
    place::Place,
    server::Server,
    unacked::Unacked,
    wire::Wire,
};

/// Greatest payload of a message, in bytes (protocol reference 11.2).
pub(super) const PAYLOAD: usize = 256 * 1024;
/// Greatest remaining length: that payload, the longest topic and what belongs to them.
const LONGEST: usize = PAYLOAD + 65_535 + 4;
/// Most requests that wait for their turn, and most bytes in them; beyond that the device is not read.
const JOBS: usize = 16;
const JOB_BYTES: usize = 512 * 1024;
/// With more than this unsent, in bytes, nothing is added that can wait.
const BACKLOG: usize = 64 * 1024;

type Running = Pin<Box<dyn Future<Output = Result<Outcome, End>> + Send>>;

/// All that belongs to a link. An idle one holds no buffers.
pub(super) struct Connection<T, S: DeviceService> {
    pub(super) wire: Wire<T>,
    pub(super) server: Arc<Server<S>>,
    pub(super) place: Place<S>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) clean_session: bool,
    pub(super) session: u64,
    pub(super) clock: Clock,
    pub(super) jobs: VecDeque<Job>,
    pub(super) job_bytes: usize,
    /// The request whose turn it is, and the packet to acknowledge after it.
    pub(super) running: Option<(Option<u16>, Running)>,
    pub(super) unacked: Unacked,
    pub(super) mail: Mail,
    /// Why it ends once everything received is done.
    pub(super) closing: Option<End>,
}

enum Event {
    Done(Option<u16>, Result<Outcome, End>),
    Order(Order),
    Cut(Cut),
    Flushed,
    Read(usize),
    Broken(io::Error),
    Over(End),
}

impl<T: AsyncRead + AsyncWrite + Unpin, S: DeviceService> Connection<T, S> {
    /// Serves the link until it ends, and says why it did. After a goodbye nothing that happens counts as another
    /// end.
    pub(super) async fn run(&mut self) -> End {
        let end = self.run_to_end().await;
        match self.closing.take() {
            None => end,
            Some(first) => {
                debug!(link = %self.place.link, reason = %first, cut_short = %end, "a link did not end in good order");
                first
            }
        }
    }

    async fn run_to_end(&mut self) -> End {
        loop {
            if let Err(end) = self.advance() {
                return end;
            }
            if let Some(end) = self.finished() {
                return end;
            }
            let event = poll_fn(|cx| self.poll_event(cx)).await;
            if let Err(end) = self.take_event(event) {
                return end;
            }
        }
    }

    fn finished(&mut self) -> Option<End> {
        if self.jobs.is_empty() && self.running.is_none() { self.closing.take() } else { None }
    }

    /// Whether more of the device's packets are welcome.
    fn listens(&self) -> bool {
        let waiting = self.jobs.len() < JOBS && self.job_bytes < JOB_BYTES;
        waiting && self.closing.is_none() && self.wire.backlog() < BACKLOG
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Some((ack, running)) = &mut self.running
            && let Poll::Ready(result) = running.as_mut().poll(cx)
        {
            let ack = *ack;
            self.running = None;
            return Poll::Ready(Event::Done(ack, result));
        }
        match self.mailbox.poll(cx, self.wire.backlog() < BACKLOG) {
            Poll::Ready(Ok(order)) => return Poll::Ready(Event::Order(order)),
            Poll::Ready(Err(cut)) => return Poll::Ready(Event::Cut(cut)),
            Poll::Pending => {}
        }
        if let Poll::Ready(event) = self.poll_wire(cx) {
            return Poll::Ready(event);
        }
        let listening = self.listens();
        self.clock.poll(cx, listening, self.wire.waiting_since()).map(Event::Over)
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.wire.waiting_since().is_some()
            && let Poll::Ready(result) = self.wire.poll_flush(cx)
        {
            return Poll::Ready(result.map_or_else(Event::Broken, |()| Event::Flushed));
        }
        if !self.listens() {
            return Poll::Pending;
        }
        self.wire.poll_fill(cx).map(|result| result.map_or_else(Event::Broken, Event::Read))
    }

    fn take_event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Done(ack, result) => self.tell(ack, result?),
            Event::Order(order) => self.send(order),
            Event::Cut(Cut::Stopping) => self.close(End::Stopping),
            Event::Cut(Cut::TakenOver) => return Err(End::TakenOver),
            Event::Cut(Cut::Told) => return Err(End::Cut),
            Event::Cut(Cut::Flooded) => return Err(End::Flooded),
            Event::Flushed => {}
            Event::Read(0) => self.close(End::Gone),
            Event::Read(_) => self.clock.heard(),
            Event::Broken(error) => {
                self.wire.discard();
                self.close(End::Broken(error));
            }
            Event::Over(end) => return Err(end),
        }
        Ok(())
    }

    /// Takes no more packets; ends for the first reason given once everything received is done.
    pub(super) fn close(&mut self, end: End) {
        if self.closing.is_none() {
            self.closing = Some(end);
            self.clock.drain(self.server.limits.drain);
        }
    }

    /// Does what can be done without waiting.
    fn advance(&mut self) -> Result<(), End> {
        loop {
            self.take_packets()?;
            if !self.start_job() {
                return Ok(());
            }
        }
    }

    fn take_packets(&mut self) -> Result<(), End> {
        if self.wire.input().is_empty() {
            return Ok(());
        }
        let input = self.wire.take_input();
        let mut used = 0;
        let result = self.take_from(&input, &mut used);
        self.wire.put_back(input, used);
        result
    }

    fn take_from(&mut self, input: &[u8], used: &mut usize) -> Result<(), End> {
        while self.listens() {
            let Step::Packet(packet, length) = decode(&input[*used..], LONGEST)? else { return Ok(()) };
            *used += length;
            self.take_packet(&packet)?;
        }
        Ok(())
    }

    /// Starts the next request if it is its turn. Says whether it did.
    fn start_job(&mut self) -> bool {
        let free = self.running.is_none() && (self.wire.backlog() < BACKLOG || self.closing.is_some());
        let Some(job) = free.then(|| self.jobs.pop_front()).flatten() else { return false };
        self.job_bytes -= job.weight();
        if self.jobs.is_empty() {
            self.jobs = VecDeque::new();
        }
        let (service, link) = (Arc::clone(&self.server.service), self.place.link.clone());
        let limit = job.left(self.server.limits.request);
        self.running = Some((job.ack, Box::pin(perform(service, link, job.work, limit))));
        true
    }

    /// Puts a request in the queue.
    pub(super) fn enqueue(&mut self, job: Job) {
        self.job_bytes += job.weight();
        self.jobs.push_back(job);
    }

    /// Sends an acknowledgement if one is due, then what the request came to.
    fn tell(&mut self, ack: Option<u16>, outcome: Outcome) {
        if let Some(id) = ack {
            encode::puback(self.wire.output(), id);
        }
        match outcome {
            Outcome::Accepted => {}
            Outcome::Reply(bytes) => self.wire.output().extend_from_slice(&bytes),
            Outcome::Twin { rid, result } => self.respond(rid, result),
            Outcome::Message { packet, delivery } => self.mail_came(packet, delivery),
        }
    }
}

/// How long the end of a stream may take.
pub(super) const GOODBYE: Duration = Duration::from_secs(5);
