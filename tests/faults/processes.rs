//! The built command on real sockets.

use fastrand::Rng;

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn over_a_network_that_breaks_every_device_is_written_once_for_each_commit() {
    let stage = Stage::new(11).await;
    for edition in 1..=2 {
        stage.commit(edition).await;
        stage.proxy.faults(25);
        // The first page of a query is asked for once: a run may end there, and says so.
        for _ in 0..3 {
            let (code, said) = stage.run(&["reconcile", "--concurrency", "8"]).await;
            assert!([0, 1, 6].contains(&code), "{code}: {said}");
        }
        stage.finishes().await;
        stage.is_right(edition).await;
    }
    assert!(stage.proxy.met() > 20, "{} requests met a fault", stage.proxy.met());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconciler_that_is_killed_again_and_again_is_finished_by_the_next() {
    let (stage, mut rng) = (Stage::new(12).await, Rng::with_seed(12));
    stage.commit(1).await;
    for _ in 0..5 {
        let mut passed = stage.proxy.passed.clone();
        let until = *passed.borrow_and_update() + rng.usize(1..12);
        let mut child = stage.start(&["reconcile", "--concurrency", "4"]);
        tokio::select! {
            // Killed when so many requests have been answered, unless it ends before.
            reached = passed.wait_for(|passed| *passed >= until) => { reached.unwrap(); }
            ended = child.wait() => { ended.unwrap(); }
        }
        child.kill().await.unwrap();
    }
    stage.finishes().await;
    stage.is_right(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_twins_costs_nothing_when_it_is_broken_and_no_write_rests_on_it() {
    let stage = Stage::new(13).await;
    stage.commit(1).await;
    let (code, cold) = stage.run(&["plan", "--detailed-exitcode"]).await;
    assert_eq!(code, 2, "{cold}");
    let [kept] = stage.kept().try_into().unwrap();
    let good = std::fs::read(&kept).unwrap();
    assert!(!good.windows(6).any(|part| part == b"bridge"), "nobody reads it without the key of the hub");
    let (_, warm) = stage.run(&["plan", "--detailed-exitcode"]).await;
    assert_eq!(warm, cold);
    for broken in [Vec::new(), good[..good.len() / 2].to_vec(), vec![7; good.len()]] {
        std::fs::write(&kept, broken).unwrap();
        let (code, said) = stage.run(&["plan", "--detailed-exitcode"]).await;
        assert_eq!((code, &said), (2, &cold));
    }
    // Written from what was kept: each twin is read first, and others may have written to it in between.
    stage.finishes().await;
    stage.is_right(1).await;
}
