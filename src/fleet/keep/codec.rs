//! Kept results as bytes: a stamp, then segments of records, each with its length and a checksum. Only the build that
//! wrote them reads them, so that the form may change at any time.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

use rayon::prelude::*;

use super::{
    ContentId,
    digest::{Digest, Resolved, Shared},
};

/// Records of a segment: segments are read side by side.
const SEGMENT: usize = 4096;
/// Length and checksum of a segment.
const HEAD: usize = 16;

type Record = (ContentId, Digest);

/// Segments with these records; with a stamp, for the beginning.
pub(super) fn write<'d>(
    stamp: Option<&[u8; 32]>,
    records: impl Iterator<Item = (&'d ContentId, &'d Digest)>,
) -> Vec<u8> {
    let mut out = stamp.map(|stamp| stamp.to_vec()).unwrap_or_default();
    let mut records = records.peekable();
    while records.peek().is_some() {
        let mut segment = Vec::new();
        records.by_ref().take(SEGMENT).for_each(|(id, digest)| write_record(id, digest, &mut segment));
        out.extend_from_slice(&(segment.len() as u64).to_le_bytes());
        out.extend_from_slice(&checksum(&segment).to_le_bytes());
        out.append(&mut segment);
    }
    out
}

/// The stamp, the records (later ones replace earlier ones), and whether all of it could be read.
pub(super) fn read(bytes: &[u8]) -> Option<([u8; 32], Vec<Record>, bool)> {
    let (stamp, mut rest) = bytes.split_first_chunk::<32>()?;
    let mut segments = Vec::new();
    while let Some((segment, behind)) = segment(rest) {
        segments.push(segment);
        rest = behind;
    }
    let read: Vec<Option<Vec<Record>>> = segments.into_par_iter().map(read_segment).collect();
    let is_whole = rest.is_empty() && read.iter().all(Option::is_some);
    Some((*stamp, read.into_iter().flatten().flatten().collect(), is_whole))
}

fn checksum(bytes: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
}

fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut head = Cursor(bytes);
    let (length, sum) = (head.u64()?, head.u64()?);
    let (segment, behind) = bytes.get(HEAD..)?.split_at_checked(usize::try_from(length).ok()?)?;
    (checksum(segment) == sum).then_some((segment, behind))
}

fn read_segment(segment: &[u8]) -> Option<Vec<Record>> {
    let mut cursor = Cursor(segment);
    let mut records = Vec::with_capacity(SEGMENT);
    while !cursor.0.is_empty() {
        records.push(read_record(&mut cursor)?);
    }
    Some(records)
}

fn write_record(id: &ContentId, digest: &Digest, out: &mut Vec<u8>) {
    out.extend_from_slice(id);
    number(digest.documents, out);
    texts(&digest.devices, out);
    out.push(u8::from(digest.resolved.is_some()));
    if let Some(Resolved { shared, profiles, variables }) = &digest.resolved {
        out.extend_from_slice(&shared.0);
        number(profiles.len(), out);
        profiles.iter().for_each(|profile| out.extend_from_slice(&profile.to_le_bytes()));
        texts(variables, out);
    }
}

fn read_record(from: &mut Cursor<'_>) -> Option<Record> {
    let id = *from.take::<20>()?;
    let (documents, devices) = (from.number()?, from.texts()?.collect::<Option<Box<[_]>>>()?);
    let resolved = match from.take::<1>()? {
        [0] => None,
        _ => Some(Resolved {
            shared: Shared(*from.take::<32>()?),
            profiles: (0..from.number()?)
                .map(|_| Some(u32::from_le_bytes(*from.take()?)))
                .collect::<Option<BTreeSet<_>>>()?,
            variables: from.texts()?.collect::<Option<BTreeSet<_>>>()?,
        }),
    };
    Some((id, Digest { documents, devices, resolved }))
}

/// Counts and lengths fit: files are far smaller than four gigabytes.
fn number(value: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t Box<str>, IntoIter: ExactSizeIterator>, out: &mut Vec<u8>) {
    let texts = texts.into_iter();
    number(texts.len(), out);
    for text in texts {
        number(text.len(), out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that have not been read yet.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take<const N: usize>(&mut self) -> Option<&'b [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(*self.take()?)).ok()
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(Into::into)
    }

    fn texts(&mut self) -> Option<impl Iterator<Item = Option<Box<str>>>> {
        let count = self.number()?;
        Some((0..count).map(|_| self.text()))
    }
}
