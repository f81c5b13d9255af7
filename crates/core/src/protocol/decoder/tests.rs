use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::Command;

const LIMIT: usize = 4096;

/// Every tube name that the protocol allows.
const TUBE: &str = "[A-Za-z0-9+/;.$_()][A-Za-z0-9+/;.$_()-]{0,199}";

/// What the server writes for `reply`.
fn encode(reply: &Reply) -> Vec<u8> {
    let word = reply.word();
    let (line, body) = match reply {
        Reply::Inserted(id) | Reply::InsertedBuried(id) => (format!("{word} {id}"), None),
        Reply::Watching(count) | Reply::KickedCount(count) => (format!("{word} {count}"), None),
        Reply::Using(tube) => (format!("{word} {tube}"), None),
        Reply::Reserved(id, body) | Reply::Found(id, body) => {
            (format!("{word} {id} {}", body.len()), Some(body))
        }
        Reply::Ok(body) => (format!("{word} {}", body.len()), Some(body)),
        _ => (word.to_owned(), None),
    };
    let mut bytes = [line.as_bytes(), CRLF].concat();
    if let Some(body) = body {
        bytes.extend([body, CRLF].concat());
    }
    bytes
}

/// Takes all that `decoder` finds in `buffer`, up to the first error.
fn drain(
    decoder: &mut Decoder,
    buffer: &mut BytesMut,
    replies: &mut Vec<Reply>,
) -> Result<(), DecodeError> {
    while let Some(reply) = decoder.decode(buffer)? {
        replies.push(reply);
    }
    Ok(())
}

/// Decodes `bytes` as they arrive in packets of these sizes, taken in turn.
fn decode(bytes: &[u8], packets: &[usize]) -> (Vec<Reply>, Result<BytesMut, DecodeError>) {
    let (mut decoder, mut buffer, mut replies) = (Decoder::new(LIMIT), BytesMut::new(), vec![]);
    let (mut rest, mut sizes) = (bytes, packets.iter().cycle());
    while !rest.is_empty() {
        let (packet, behind) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        buffer.extend_from_slice(packet);
        rest = behind;
        if let Err(error) = drain(&mut decoder, &mut buffer, &mut replies) {
            return (replies, Err(error));
        }
    }
    (replies, Ok(buffer))
}

/// Decodes bytes that arrive in one packet.
fn whole(bytes: &[u8]) -> (Vec<Reply>, Result<BytesMut, DecodeError>) {
    decode(bytes, &[bytes.len()])
}

fn refusal(bytes: &[u8]) -> DecodeError {
    let (replies, end) = whole(bytes);
    assert_eq!(replies, [], "{:?}", String::from_utf8_lossy(bytes));
    end.expect_err(&String::from_utf8_lossy(bytes))
}

fn wordy() -> Vec<Reply> {
    vec![
        Reply::Buried,
        Reply::Deleted,
        Reply::Released,
        Reply::Touched,
        Reply::Kicked,
        Reply::Paused,
        Reply::TimedOut,
        Reply::DeadlineSoon,
        Reply::NotFound,
        Reply::NotIgnored,
        Reply::JobTooBig,
        Reply::Draining,
        Reply::OutOfMemory,
        Reply::InternalError,
        Reply::BadFormat,
        Reply::UnknownCommand,
        Reply::ExpectedCrlf,
    ]
}

/// Bodies on both sides of the size from which they are no longer copied; many look like replies.
fn body() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(any::<u8>(), COPIED_BODY - 2..COPIED_BODY + 200),
        "(\r\n|DELETED\r\n|OK 3\r\n|RESERVED 1 9\r\n){0,5}".prop_map(String::into_bytes),
    ]
    .prop_map(Bytes::from)
}

fn reply() -> impl Strategy<Value = Reply> {
    let id = || any::<u64>().prop_map(JobId);
    prop_oneof![
        4 => proptest::sample::select(wordy()),
        1 => id().prop_map(Reply::Inserted),
        1 => id().prop_map(Reply::InsertedBuried),
        1 => TUBE.prop_map(|name| Reply::Using(TubeName::new(&name).unwrap())),
        1 => any::<u64>().prop_map(Reply::Watching),
        1 => any::<u64>().prop_map(Reply::KickedCount),
        2 => (id(), body()).prop_map(|(id, body)| Reply::Reserved(id, body)),
        2 => (id(), body()).prop_map(|(id, body)| Reply::Found(id, body)),
        2 => body().prop_map(Reply::Ok),
    ]
}

/// Bytes that get past the first word more often than noise does.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..300),
        "(OK|FOUND|RESERVED|USING|KICKED|-1| ){0,4}( [0-9]{1,20}){0,2}(\r\n|\n|\r)?"
            .prop_map(String::into_bytes),
        (reply(), any::<proptest::sample::Index>()).prop_map(|(reply, cut)| {
            let bytes = encode(&reply);
            bytes[..=cut.index(bytes.len())].to_vec()
        }),
        reply().prop_map(|reply| encode(&reply)),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

#[test]
fn every_reply_decodes_as_the_server_writes_it() {
    let (id, body) = (JobId(u64::MAX), Bytes::from_static(b"a\r\nb"));
    for (bytes, reply) in [
        ("INSERTED 18446744073709551615\r\n", Reply::Inserted(id)),
        ("BURIED 18446744073709551615\r\n", Reply::InsertedBuried(id)),
        ("USING a.b\r\n", Reply::Using(TubeName::new("a.b").unwrap())),
        ("WATCHING 2\r\n", Reply::Watching(2)),
        ("RESERVED 18446744073709551615 4\r\na\r\nb\r\n", Reply::Reserved(id, body.clone())),
        ("FOUND 18446744073709551615 4\r\na\r\nb\r\n", Reply::Found(id, body.clone())),
        ("OK 4\r\na\r\nb\r\n", Reply::Ok(body)),
        ("OK 0\r\n\r\n", Reply::Ok(Bytes::new())),
        ("KICKED 3\r\n", Reply::KickedCount(3)),
    ] {
        assert_eq!(whole(bytes.as_bytes()), (vec![reply], Ok(BytesMut::new())));
    }
    for reply in wordy() {
        let bytes = format!("{}\r\n", reply.word());
        assert_eq!(whole(bytes.as_bytes()), (vec![reply], Ok(BytesMut::new())));
    }
}

#[test]
fn a_line_that_is_almost_a_reply_is_refused_and_quoted() {
    let long_tube = format!("USING {}", "x".repeat(201));
    let texts = "|deleted| DELETED|DELETED |DELETED 1|DELETEDX|\0DELETED|DELETED\r|INSERTED|INSERTED \
        |INSERTED  1|INSERTED 1 |INSERTED 1 2|INSERTED +1|INSERTED -1|INSERTED 1.0|INSERTED 0x1\
        |INSERTED ١|INSERTED 18446744073709551616|BURIED x|KICKED -1|WATCHING|USING|USING |USING -a\
        |USING a b|USING é|OK|OK -1|OK 18446744073709551616|OK 1 1|OK\t1|RESERVED 1|RESERVED 1 -1\
        |RESERVED  1 1|RESERVED 1  1|RESERVED 1 1 1|RESERVED -1 1|FOUND 1 18446744073709551616";
    let lines = texts.split('|').chain([long_tube.as_str()]).map(|text| format!("{text}\r\n"));
    for line in lines.chain(["\n".into(), "DELETED\n".into()]) {
        let error = refusal(line.as_bytes());
        assert_eq!(error, DecodeError::Malformed(quote(&line)), "{line:?}");
    }
    assert!(matches!(refusal(b"USING \xff\r\n"), DecodeError::Malformed(_)));
}

#[test]
fn an_error_stays_one() {
    for bytes in ["FOUND 1 4097\r\nDELETED\r\n", "OK 1\r\naXDELETED\r\n", "x\r\nDELETED\r\n"] {
        let (mut decoder, mut buffer) = (Decoder::new(LIMIT), BytesMut::from(bytes));
        let error = decoder.decode(&mut buffer).unwrap_err();
        assert_eq!(decoder.decode(&mut buffer), Err(error));
    }
}

#[test]
fn a_length_above_the_limit_is_refused_before_any_of_the_body() {
    for length in [LIMIT as u64 + 1, u64::from(u32::MAX) + 1, u64::MAX] {
        let expected = DecodeError::BodyTooLarge { length, limit: LIMIT };
        for head in ["RESERVED 1", "FOUND 1"] {
            assert_eq!(refusal(format!("{head} {length}\r\n").as_bytes()), expected);
        }
    }
    for length in [MAX_TEXT as u64 + 1, u64::MAX] {
        let expected = DecodeError::BodyTooLarge { length, limit: MAX_TEXT };
        assert_eq!(refusal(format!("OK {length}\r\n").as_bytes()), expected);
    }
    let largest = Reply::Found(JobId(1), vec![b'x'; LIMIT].into());
    assert_eq!(whole(&encode(&largest)).0, [largest]);
    // Without a limit the largest length is awaited, and nothing is set aside for it.
    let mut buffer = BytesMut::from("FOUND 1 18446744073709551615\r\nx");
    let capacity = buffer.capacity();
    assert_eq!(Decoder::new(usize::MAX).decode(&mut buffer), Ok(None));
    assert!(buffer.capacity() <= capacity);
}

#[test]
fn a_line_ends_within_its_limit() {
    let line = |size: usize| format!("INSERTED {:0>1$}\r\n", 7, size - "INSERTED \r\n".len());
    let longest = line(MAX_LINE);
    assert_eq!(longest.len(), 224);
    assert_eq!(whole(longest.as_bytes()).0, [Reply::Inserted(JobId(7))]);
    assert_eq!(refusal(line(MAX_LINE + 1).as_bytes()), DecodeError::LineTooLong);
    // It is refused without its end; one byte fewer may still become a line.
    assert_eq!(refusal(&[b'0'; MAX_LINE]), DecodeError::LineTooLong);
    assert_eq!(whole(&[b'0'; MAX_LINE - 1]).1.unwrap().len(), MAX_LINE - 1);
}

#[test]
fn a_reply_right_behind_a_body_is_its_own() {
    let (replies, end) = whole(b"RESERVED 1 9\r\nDELETED\r\n\r\nDELETED\r\nOK 0\r\n\r\nTOUCH");
    let body = Bytes::from_static(b"DELETED\r\n");
    let expected = [Reply::Reserved(JobId(1), body), Reply::Deleted, Reply::Ok(Bytes::new())];
    assert_eq!((replies.as_slice(), end), (&expected[..], Ok(BytesMut::from("TOUCH"))));
}

#[test]
fn a_body_waits_for_its_crlf_and_takes_nothing_else() {
    for size in [0, 3, COPIED_BODY, COPIED_BODY + 1] {
        let reply = Reply::Ok(vec![b'x'; size].into());
        let bytes = encode(&reply);
        let (body, _) = bytes.split_at(bytes.len() - CRLF.len());
        let (mut decoder, mut buffer) = (Decoder::new(LIMIT), BytesMut::from(body));
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
        buffer.extend_from_slice(b"\r");
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
        buffer.extend_from_slice(b"\n");
        assert_eq!(decoder.decode(&mut buffer), Ok(Some(reply)));
        for wrong in ["x", "\n", "\rx", "\r\r\n"] {
            let bytes = [body, wrong.as_bytes()].concat();
            assert_eq!(refusal(&bytes), DecodeError::UnterminatedBody, "{wrong:?}");
        }
    }
}

#[test]
fn a_small_body_does_not_keep_the_read_buffer_and_a_large_one_is_not_copied() {
    for (size, shared) in [(COPIED_BODY, false), (COPIED_BODY + 1, true)] {
        let mut buffer = BytesMut::from(encode(&Reply::Ok(vec![b'x'; size].into())).as_slice());
        let range = buffer.as_ptr_range();
        let Ok(Some(Reply::Ok(body))) = Decoder::new(LIMIT).decode(&mut buffer) else {
            panic!("no body of {size} bytes");
        };
        assert_eq!(range.contains(&body.as_ptr()), shared, "{size}");
    }
}

proptest! {
    #[test]
    fn replies_decode_to_themselves_however_they_are_split(
        replies in vec(reply(), 1..8),
        packets in vec(1_usize..600, 1..8),
    ) {
        let bytes: Vec<u8> = replies.iter().flat_map(encode).collect();
        prop_assert_eq!(whole(&bytes), (replies.clone(), Ok(BytesMut::new())));
        prop_assert_eq!(decode(&bytes, &packets), (replies.clone(), Ok(BytesMut::new())));
        prop_assert_eq!(decode(&bytes, &[1]), (replies, Ok(BytesMut::new())));
    }

    #[test]
    fn a_reply_cut_short_is_none(reply in reply(), cut in any::<proptest::sample::Index>()) {
        let bytes = encode(&reply);
        let (replies, end) = whole(&bytes[..cut.index(bytes.len())]);
        prop_assert_eq!(replies, []);
        prop_assert!(end.is_ok());
    }

    #[test]
    fn bytes_from_anywhere_never_panic_nor_ask_for_memory(bytes in noise()) {
        let (mut decoder, mut buffer) = (Decoder::new(LIMIT), BytesMut::from(bytes.as_slice()));
        let (capacity, mut replies) = (buffer.capacity(), vec![]);
        let end = drain(&mut decoder, &mut buffer, &mut replies);
        prop_assert!(buffer.capacity() <= capacity);
        let taken: usize = replies.iter().map(|reply| encode(reply).len()).sum();
        prop_assert!(taken <= bytes.len() - buffer.len());
        if let Err(error) = end {
            prop_assert!(error.to_string().len() < 1024);
        }
    }

    #[test]
    fn bytes_from_anywhere_read_the_same_however_they_are_split(
        bytes in noise(),
        packets in vec(1_usize..300, 1..8),
    ) {
        prop_assert_eq!(decode(&bytes, &packets), whole(&bytes));
    }

    #[test]
    fn every_tube_name_fits_a_command_and_comes_back(name in TUBE) {
        let tube = TubeName::new(&name).unwrap();
        let mut line = BytesMut::new();
        Command::Use(tube.clone()).encode_line(&mut line);
        prop_assert!(line.len() <= MAX_LINE);
        let echoed = [b"USING ", &line[b"use ".len()..]].concat();
        prop_assert_eq!(whole(&echoed).0, [Reply::Using(tube)]);
    }
}
