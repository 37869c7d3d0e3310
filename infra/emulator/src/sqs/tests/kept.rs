//! Queues that survive a restart.

use super::*;

/// A temporary folder, removed on drop.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("queues-{}", ulid::Ulid::generate())))
    }

    /// The queues after a restart; the earlier ones are dropped without shutdown.
    fn start(&self, clock: &MovableClock) -> Queues {
        let queues = Queues::kept_in(&self.0, Arc::new(clock.clone())).unwrap();
        create(&queues);
        queues
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_process() {
    let (folder, (_, clock)) = (Folder::new(), world());
    let queues = folder.start(&clock);
    for body in ["deleted", "held", "waiting"] {
        queues.send(Q, Outgoing::new(body)).unwrap();
    }
    let received = queues.receive(Q, &Receive { max: 2, ..Receive::default() }).await.unwrap();
    queues.delete(Q, &received[0].receipt_handle).unwrap();
    let first = fifo(&queues, "a", "g");

    let queues = folder.start(&clock);
    assert_eq!(queues.depth(Q).unwrap(), Depth { visible: 1, in_flight: 1, delayed: 0 });
    assert_eq!(fifo(&queues, "a", "g"), first, "deduplication goes on");
    assert_eq!(queues.depth(F).unwrap().visible, 1);
    clock.advance(seconds(30));
    let held = receive(&queues, Q).await;
    assert_eq!(
        held.iter().map(|message| (message.body.as_str(), message.receive_count)).collect::<Vec<_>>(),
        [("held", 2), ("waiting", 1)]
    );

    // Sequence numbers are not reused, though the file was rewritten and emptied.
    queues.purge(F).unwrap();
    drop(folder.start(&clock));
    assert!(fifo(&folder.start(&clock), "b", "g").sequence_number > first.sequence_number);
}

#[tokio::test]
async fn a_line_cut_short_is_dropped_and_a_damaged_one_is_refused() {
    let (folder, (_, clock)) = (Folder::new(), world());
    folder.start(&clock).send(Q, Outgoing::new("a")).unwrap();
    let file = folder.0.join("queues.log");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}[{{\"Gone\":{{\"queue\"")).unwrap();
    let queues = folder.start(&clock);
    queues.send(Q, Outgoing::new("b")).unwrap();
    assert_eq!(bodies(&folder.start(&clock), Q).await, ["a", "b"]);
    std::fs::write(&file, format!("nonsense\n{whole}")).unwrap();
    assert!(Queues::kept_in(&folder.0, Arc::new(clock)).is_err());
}

#[tokio::test]
async fn a_long_file_is_made_short_while_in_use() {
    let (folder, (_, clock)) = (Folder::new(), world());
    let queues = folder.start(&clock);
    let large = "x".repeat(MAX_BYTES);
    queues.send(Q, Outgoing::new("kept")).unwrap();
    for _ in 0..17 {
        queues.send("dead", Outgoing::new(large.clone())).unwrap();
        queues.purge("dead").unwrap();
    }
    let length = std::fs::metadata(folder.0.join("queues.log")).unwrap().len();
    assert!(length < 4 << 20, "{length}");
    assert_eq!(bodies(&folder.start(&clock), Q).await, ["kept"]);
}
