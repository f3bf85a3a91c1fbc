//! The documents that apply to a device, weakest first.

use std::sync::Arc;

use super::render::Uses;
use crate::{
    fleet::{Device, DocumentRef, Fleet, Profile},
    twin::{DeviceId, Map},
};

/// A profile and what selecting and filling it in needs.
#[derive(Debug)]
pub(super) struct CompiledProfile {
    pub(super) profile: Arc<Profile>,
    /// `Profile/NAME`.
    pub(super) source: Arc<str>,
    /// Profiles of one priority have one rank; a higher one wins.
    pub(super) rank: usize,
    pub(super) uses: Uses,
}

/// The profiles of a fleet, weakest first whatever order they came in.
pub(super) fn compile(fleet: &Fleet) -> Vec<CompiledProfile> {
    let mut profiles = fleet.profiles.clone();
    profiles.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    let mut rank = 0;
    let mut last = None;
    let compiled = |profile: Arc<Profile>| {
        if last.replace(profile.priority).is_some_and(|priority| priority != profile.priority) {
            rank += 1;
        }
        let source = format!("Profile/{}", profile.name).into();
        CompiledProfile { source, rank, uses: Uses::of(&profile.desired), profile }
    };
    profiles.into_iter().map(compiled).collect()
}

/// The source name of a device's own document.
pub(super) fn device_source(id: &DeviceId) -> Arc<str> {
    format!("Device/{id}").into()
}

/// A device's own document, opened.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) document: &'a DocumentRef,
    /// Both sections as text, for telling classes apart.
    pub(super) texts: [&'a str; 2],
    pub(super) tags: Map,
    pub(super) desired: Map,
}

impl<'a> Own<'a> {
    pub(super) fn of(device: &'a Device) -> Self {
        let (tags, desired) = (device.tags(), device.desired());
        Self { document: &device.document, texts: device.texts(), tags, desired }
    }
}

/// The documents that apply to one device.
#[derive(Debug, Clone)]
pub(super) struct Documents<'a> {
    /// Indexes of profiles, ascending: weakest first.
    pub(super) profiles: Vec<usize>,
    /// The device's own document, stronger than any profile.
    pub(super) own: Option<&'a Own<'a>>,
}

impl Documents<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.own.is_none()
    }
}

/// One document's desired properties, as a layer.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) document: &'a DocumentRef,
    pub(super) desired: &'a Map,
    pub(super) rank: usize,
    /// The profile's name; `None` for a device's own document.
    pub(super) profile: Option<&'a str>,
}

/// The layers of these documents, weakest first.
pub(super) fn layers<'a>(compiled: &'a [CompiledProfile], documents: &Documents<'a>) -> Vec<Layer<'a>> {
    let profiles = documents.profiles.iter().filter_map(|index| compiled.get(*index)).map(|compiled| Layer {
        document: &compiled.profile.document,
        desired: &compiled.profile.desired,
        rank: compiled.rank,
        profile: Some(&compiled.profile.name),
    });
    let own = documents.own.map(|own| Layer {
        document: own.document,
        desired: &own.desired,
        rank: usize::MAX,
        profile: None,
    });
    profiles.chain(own).collect()
}
