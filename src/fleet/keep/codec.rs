//! Kept results as bytes: a stamp, then segments of records, each with its length and a checksum. Only the build that
//! wrote them reads them, so that the form may change at any time.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hasher},
};

use rayon::prelude::*;

use super::{
    ContentId,
    digest::{Resolved, Shared},
};

/// Bytes of a segment, about: segments are looked through side by side.
const SEGMENT: usize = 1 << 20;
/// Length and checksum of a segment.
const HEAD: usize = 16;
/// Length and content id of a record.
const RECORD: usize = 4 + 20;

/// Finds by a content's id, which is a hash already.
pub(super) type ById = BuildHasherDefault<IdHasher>;

/// The first bytes of an id.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length of an id is always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is kept of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'b> {
    /// In bytes.
    pub(super) length: usize,
    pub(super) documents: usize,
    /// Under which shared documents the devices were resolved; zeros when they were not.
    shared: &'b [u8; 32],
    /// Numbers of four bytes.
    profiles: &'b [u8],
    /// Variables, then devices.
    texts: &'b [u8],
    variables: usize,
}

impl<'b> Record<'b> {
    pub(super) fn devices(self) -> impl Iterator<Item = &'b str> {
        texts(self.texts).skip(self.variables)
    }

    /// Profiles (as bytes, to be compared, and as numbers) and variables, if the devices were resolved under the same
    /// shared documents.
    pub(super) fn resolved_under(self, shared: &Shared) -> Option<(&'b [u8], impl Iterator<Item = &'b str>)> {
        (*self.shared == shared.0).then(|| (self.profiles, texts(self.texts).take(self.variables)))
    }
}

/// The numbers of [`Record::resolved_under`].
pub(super) fn numbers(profiles: &[u8]) -> impl Iterator<Item = usize> {
    profiles.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number) as usize)
}

/// The record at the beginning of these bytes.
pub(super) fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let mut cursor = Cursor(bytes);
    let length = cursor.number()?;
    let mut body = Cursor(bytes.get(RECORD..length)?);
    let (documents, shared) = (body.number()?, body.take()?);
    let profiles = body.number()?;
    let (profiles, rest) = body.0.split_at_checked(profiles * 4)?;
    let mut body = Cursor(rest);
    let variables = body.number()?;
    Some(Record { length, documents, shared, profiles, texts: body.0, variables })
}

/// Adds a record.
pub(super) fn write_record(
    id: &ContentId,
    documents: usize,
    devices: &[&str],
    resolved: Option<&Resolved>,
    out: &mut Vec<u8>,
) {
    let (start, none) = (out.len(), Resolved::default());
    let Resolved { shared, profiles, variables } = resolved.unwrap_or(&none);
    number(0, out);
    out.extend_from_slice(id);
    number(documents, out);
    out.extend_from_slice(&shared.0);
    number(profiles.len(), out);
    for profile in profiles {
        out.extend_from_slice(&profile.to_le_bytes());
    }
    number(variables.len(), out);
    for text in variables.iter().map(AsRef::as_ref).chain(devices.iter().copied()) {
        number(text.len(), out);
        out.extend_from_slice(text.as_bytes());
    }
    let mut length = Vec::new();
    number(out.len() - start, &mut length);
    out[start..start + length.len()].copy_from_slice(&length);
}

/// Records, divided into segments.
pub(super) fn segments(records: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(records.len() + HEAD);
    let mut rest = records;
    while !rest.is_empty() {
        let mut end = 0;
        while end < rest.len().min(SEGMENT) {
            end += record(&rest[end..]).map_or(rest.len(), |record| record.length);
        }
        let (segment, behind) = rest.split_at(end.min(rest.len()));
        out.extend_from_slice(&(segment.len() as u64).to_le_bytes());
        out.extend_from_slice(&checksum(segment).to_le_bytes());
        out.extend_from_slice(segment);
        rest = behind;
    }
    out
}

type Read = ([u8; 32], Vec<u8>, HashMap<ContentId, usize, ById>, bool);

/// The stamp, the records, where the latest of each content lies, and whether all of it could be read.
pub(super) fn read(bytes: &[u8]) -> Option<Read> {
    let (stamp, mut rest) = bytes.split_first_chunk::<32>()?;
    let mut segments = Vec::new();
    while let Some((segment, sum, behind)) = segment(rest) {
        segments.push((segment, sum));
        rest = behind;
    }
    let sound: Vec<bool> = segments.par_iter().map(|(segment, sum)| checksum(segment) == *sum).collect();
    let is_whole = rest.is_empty() && sound.iter().all(|sound| *sound);
    let mut records = Vec::with_capacity(bytes.len());
    segments.iter().zip(sound).filter(|(_, sound)| *sound).for_each(|((segment, _), _)| records.extend(*segment));
    let places = places(&records);
    Some((*stamp, records, places, is_whole))
}

/// Where the latest record of each content begins.
pub(super) fn places(records: &[u8]) -> HashMap<ContentId, usize, ById> {
    let mut places = HashMap::with_capacity_and_hasher(records.len() / 80, ById::default());
    let mut at = 0;
    while let Some(length) = records.get(at..).and_then(|rest| Cursor(rest).number()).filter(|l| *l >= RECORD) {
        if let Some(id) = records.get(at + 4..).and_then(<[u8]>::first_chunk) {
            places.insert(*id, at);
        }
        at += length;
    }
    places
}

fn checksum(bytes: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
}

fn segment(bytes: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let mut head = Cursor(bytes);
    let (length, sum) = (head.u64()?, head.u64()?);
    let (segment, behind) = head.0.split_at_checked(usize::try_from(length).ok()?)?;
    Some((segment, sum, behind))
}

/// Counts and lengths fit: files are far smaller than four gigabytes.
fn number(value: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
}

fn texts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor(bytes);
    std::iter::from_fn(move || cursor.text())
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

    fn text(&mut self) -> Option<&'b str> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
