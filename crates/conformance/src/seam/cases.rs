//! The table of cases: topic, what holds, and the capabilities that it needs.

use ops_contracts::wire::capability::Capability::*;

use super::Case;

mod dialogs;
mod emulation;
mod files;
mod frames;
mod input;
mod launch;
mod losses;
mod nav;
mod network;
mod scripts;
mod storage;
mod targets;
mod views;

/// Every case, in the order of the table.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.iter()
}

macro_rules! cases {
    ($($topic:ident { $($case:ident [$($need:ident),*];)+ })+) => {
        const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($topic), ".", stringify!($case)),
            needs: &[$($need),*],
            run: |fixture| Box::pin($topic::$case(fixture)),
        },)+)+];
    };
}

cases! {
    launch {
        a_browser_says_what_it_is_and_answers_until_it_is_closed [];
        a_missing_browser_is_an_error_that_names_it [];
        an_argument_for_the_debugging_connection_is_refused [];
        what_is_not_declared_is_unsupported_and_nothing_else [];
    }
    targets {
        a_created_page_is_reported_before_its_effect_and_closed [Targets];
        a_popup_belongs_to_the_page_that_opened_it [Targets, Bridge];
        a_page_behind_its_popup_still_draws_and_takes_input [Targets, Screenshot, Input];
        contexts_share_neither_cookies_nor_pages [Targets];
        contexts_draw_at_the_same_time [Targets, Screenshot];
    }
    nav {
        events_come_in_their_order_and_before_the_answer [Navigation, NavigationStatus];
        a_redirect_keeps_its_request_and_says_where_it_came_from [Navigation, NavigationStatus];
        an_error_status_is_a_document_like_any_other [Navigation, NavigationStatus];
        a_navigation_without_a_document_says_why [Navigation];
        an_address_that_is_none_is_a_failure_of_its_own [Navigation];
        a_navigation_within_the_document_changes_the_url_alone [Navigation];
        history_moves_by_entries_and_says_when_there_is_none [Navigation];
        a_reload_gives_a_new_document_past_the_cache [Navigation];
        one_that_is_never_answered_gives_way_to_the_next [Navigation];
        a_download_is_reported_and_nothing_is_navigated [Navigation];
    }
    scripts {
        the_bridge_and_the_page_do_not_see_each_other [Bridge];
        the_rest_of_the_bridge_comes_when_it_is_first_asked_for [Bridge];
        a_policy_against_scripts_hinders_neither_bridge_nor_expression [Bridge, Script];
        what_the_bridge_reports_is_the_effect_of_the_input [Bridge, Input];
        values_are_json_and_others_are_source_text [Script];
        exceptions_are_told_and_promises_awaited_on_request [Script];
        large_results_arrive_whole [Script, Bridge];
        console_and_uncaught_exceptions_are_reported [Console];
        messages_of_workers_belong_to_their_page [Console];
    }
    input {
        clicks_are_real_and_carry_their_count_and_modifiers [Input];
        keys_and_chords_reach_the_focus [Input];
        text_is_inserted_without_key_events [Input];
        clicks_and_text_reach_a_frame_of_another_site [Input];
        the_wheel_scrolls [Input];
        a_click_that_leaves_the_page_does_not_hang [Input];
        a_tap_is_a_touch_and_a_click [Touch];
    }
    dialogs {
        each_kind_is_reported_and_answered [Dialogs];
        answering_where_none_is_open_is_an_error [Dialogs];
        a_click_that_opens_one_ends_when_it_is_answered [Dialogs, Input];
        a_click_that_opens_one_can_be_abandoned [Dialogs, Input];
        one_of_a_frame_of_another_site_is_answered_on_its_page [Dialogs];
        leaving_a_page_that_asks_is_up_to_the_answer [Dialogs, Input];
    }
    frames {
        nested_ones_of_any_site_answer_the_bridge_of_their_document [Bridge];
        each_knows_the_element_that_holds_it [Bridge];
        one_keeps_its_key_when_it_moves_to_another_process_and_back [Bridge];
        a_removed_one_is_gone_with_its_children [Bridge];
        one_that_waits_for_its_first_document_answers_the_bridge [Bridge];
    }
    losses {
        closing_the_page_ends_pending_work [];
        closing_the_context_ends_pending_work_and_its_pages [];
        a_navigation_ends_pending_work [Bridge];
        removing_a_frame_ends_pending_work_in_it [];
        navigating_a_frame_of_another_site_ends_pending_work_in_it [];
        a_crash_ends_pending_work_and_a_navigation_revives_the_page [];
        the_end_of_the_browser_ends_pending_work_and_is_reported_to_every_context [];
        a_dropped_primitive_is_abandoned_and_the_page_goes_on [];
        a_closed_browser_leaves_nothing [];
    }
    views {
        pictures_have_the_size_that_was_asked_for [Screenshot];
        the_viewport_can_be_set [Viewport];
        a_page_is_printed [Print];
    }
    network {
        a_paused_request_is_answered_refused_or_sent_on [NetworkRoute];
        headers_are_added_to_every_request [NetworkHeaders];
        the_network_can_be_taken_away [NetworkConditions];
        bodies_of_responses_can_be_read [NetworkBodies];
        questions_for_credentials_are_answered [Credentials];
    }
    storage {
        cookies_are_set_read_and_removed [Cookies];
        an_empty_document_reaches_the_storage_of_an_origin [Origins];
    }
    files {
        a_download_is_kept_and_read_in_parts [Downloads];
        an_input_holds_the_files_that_it_is_given [Upload];
    }
    emulation {
        the_locale_holds_for_pages_now_and_later [Locale];
        the_timezone_holds_for_pages_now_and_later [Timezone];
        media_features_hold_for_pages_now_and_later [Media];
        the_user_agent_reaches_the_server [UserAgent];
        the_place_is_told_where_it_may_be [Geolocation, Permissions];
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ops_contracts::wire::capability::CapabilitySet;

    use super::*;

    #[test]
    fn every_core_capability_has_a_case() {
        let needed: BTreeSet<_> = cases().flat_map(|case| case.needs).collect();
        let missing: Vec<_> = CapabilitySet::core()
            .iter()
            .filter(|core| !needed.contains(core))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
