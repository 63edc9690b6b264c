//! A body that is read by many: from its beginning, at their own pace, and until the last is gone.

use std::sync::Arc;

use axum_core::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::budget::Budget;
use super::fill::Fill;
use crate::testing::read;

type Piece = Result<Bytes, std::io::Error>;

/// A body that arrives as it is sent; what is sent waits until it is read.
fn body() -> (mpsc::Sender<Piece>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = futures_util::stream::unfold(receiver, |mut pieces| async { Some((pieces.recv().await?, pieces)) });
    (sender, Body::from_stream(pieces))
}

fn fill(limit: usize) -> Arc<Fill> {
    Fill::new(None, limit, &Budget::new(1 << 20))
}

fn piece(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn next(reader: &mut Body) -> String {
    let frame = reader.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

fn run(fill: &Arc<Fill>, body: Body) -> tokio::task::JoinHandle<()> {
    let fill = Arc::clone(fill);
    tokio::spawn(async move { fill.run(body).await })
}

#[tokio::test]
async fn everyone_reads_from_the_beginning_while_it_arrives() {
    let (sender, body) = body();
    let fill = fill(100);
    let mut early = fill.reader().unwrap();
    let task = run(&fill, body);
    sender.send(Ok(piece("one"))).await.unwrap();
    assert_eq!(next(&mut early).await, "one");
    let late = fill.reader().unwrap();
    sender.send(Ok(piece("two"))).await.unwrap();
    drop(early);
    drop(sender);
    assert_eq!(read(late).await.unwrap(), "onetwo");
    task.await.unwrap();
    assert_eq!(fill.whole().unwrap(), "onetwo");
    assert_eq!(read(fill.reader().unwrap()).await.unwrap(), "onetwo");
}

#[tokio::test]
async fn it_is_read_on_for_the_store_when_all_are_gone() {
    let (sender, body) = body();
    let fill = fill(100);
    drop(fill.reader());
    let task = run(&fill, body);
    sender.send(Ok(piece("kept"))).await.unwrap();
    drop(sender);
    task.await.unwrap();
    assert_eq!(fill.whole().unwrap(), "kept");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_read_on_for_a_while_only() {
    let (sender, body) = body();
    let fill = fill(100);
    let task = run(&fill, body);
    task.await.unwrap();
    assert!(sender.is_closed());
    assert!(fill.whole().is_none());
}

#[tokio::test]
async fn over_its_bound_it_goes_at_the_pace_of_the_slowest_and_ends_with_the_last() {
    let (sender, body) = body();
    let fill = fill(4);
    let (mut quick, mut slow) = (fill.reader().unwrap(), fill.reader().unwrap());
    let task = run(&fill, body);
    for _ in 0..2 {
        sender.send(Ok(piece("four"))).await.unwrap();
        assert_eq!(next(&mut quick).await, "four");
    }
    // The slow one is behind by as much as it may be: one more piece waits with the sender.
    sender.send(Ok(piece("four"))).await.unwrap();
    assert!(sender.try_send(Ok(piece("four"))).is_err());
    assert_eq!(next(&mut slow).await, "four");
    assert_eq!(next(&mut quick).await, "four");
    assert!(fill.reader().is_none(), "its beginning is gone");
    drop(quick);
    drop(slow);
    task.await.unwrap();
    assert!(sender.is_closed() && fill.whole().is_none());
}

#[tokio::test]
async fn what_breaks_off_breaks_off_for_all_and_is_not_kept() {
    let (sender, body) = body();
    let fill = fill(100);
    let reader = fill.reader().unwrap();
    let task = run(&fill, body);
    sender.send(Ok(piece("half"))).await.unwrap();
    sender.send(Err(std::io::Error::other("gone"))).await.unwrap();
    assert!(read(reader).await.is_err());
    task.await.unwrap();
    assert!(fill.whole().is_none());
    assert!(read(fill.reader().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_task_that_is_ended_leaves_no_reader_waiting() {
    let (_sender, body) = body();
    let fill = fill(100);
    let reader = fill.reader().unwrap();
    let task = run(&fill, body);
    tokio::task::yield_now().await;
    task.abort();
    assert!(read(reader).await.is_err());
}

#[tokio::test]
async fn what_does_not_have_its_length_is_not_kept() {
    let fill = Fill::new(Some(5), 100, &Budget::new(100));
    assert!(fill.gather(Body::from("four")).is_none());
    assert!(fill.whole().is_none());
}

#[tokio::test]
async fn what_is_there_is_taken_at_once() {
    let fill = Fill::new(Some(4), 100, &Budget::new(8));
    assert!(fill.gather(Body::from("four")).is_none());
    let reader = fill.reader().unwrap();
    assert_eq!(reader.size_hint().exact(), Some(4));
    let whole = fill.whole().unwrap();
    assert_eq!(whole, "four");
    assert!(Fill::new(None, 100, &Budget::new(3)).gather(Body::from("four")).is_some(), "there is no room for it");
}
