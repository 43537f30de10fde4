//! The table of cases: topic, what holds, and the commands that the case is about.

use ops_contracts::wire::command::CommandName;

use super::Case;

mod acting;
mod click;
mod dialogs;
mod documents;
mod emulation;
mod faults;
mod files;
mod forms;
mod leases;
mod nav;
mod network;
mod pointer;
mod reads;
mod refs;
mod sessions;
mod snapshots;
mod storage;
mod targets;
mod views;

/// Every case, in the order of the table.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.iter()
}

macro_rules! cases {
    ($($topic:ident { $($case:ident [$($command:ident),*];)+ })+) => {
        const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($topic), ".", stringify!($case)),
            calls: &[$(CommandName::$command),*],
            run: |fixture| Box::pin($topic::$case(fixture)),
        },)+)+];
    };
}

cases! {
    sessions {
        create_gives_a_lease_and_a_blank_page [SessionCreate, SessionStatus, SessionClose, TargetsList];
        list_never_shows_leases [SessionCreate, SessionList];
        create_is_keyed_by_its_request_id [SessionCreate, SessionClose];
        close_ends_the_session_and_tells_its_holder [SessionClose];
        renew_extends_the_lease [SessionRenew, SessionStatus];
        the_viewport_is_as_asked_for [SessionCreate, DomEval];
        a_call_without_a_session_is_refused [DomTitle];
        an_unknown_command_is_refused_with_its_like [SessionCreate];
        a_wrong_parameter_is_named [SessionCreate];
        two_sessions_share_neither_cookies_nor_pages [NavGoto, DomText, DomUrl];
        replies_tell_where_the_time_went [DomTitle];
    }
    leases {
        a_wrong_lease_is_refused [NavGoto, DomTitle, SessionStatus];
        reclaim_drops_queued_work_and_fences_off_the_old_holder [SessionReclaim, NavWait];
        an_observer_reads_and_does_not_act [SessionObserve, SessionReclaim, DomText, NavWait, SessionStatus];
        an_expired_lease_closes_the_session [SessionCreate];
        a_running_command_keeps_the_lease [SessionCreate, NavWait];
        a_retried_click_is_one_click [InteractClick];
        a_duplicate_in_flight_joins_the_first [DomEval];
        a_refused_command_may_be_sent_again_under_its_id [DomEval];
        a_repeated_read_runs_again [DomTitle];
        a_running_command_can_be_cancelled [NavWait];
        a_queued_command_can_be_cancelled [NavWait, InteractClick];
        a_page_that_never_loads_meets_its_deadline [NavGoto];
        a_server_that_never_answers_meets_the_deadline [NavGoto];
        the_queue_spends_from_the_deadline [NavWait, DomTitle];
        an_expression_that_never_ends_meets_its_deadline [DomEval];
    }
    nav {
        goto_tells_status_title_and_final_url [NavGoto, DomUrl];
        an_http_error_is_a_result [NavGoto];
        redirects_are_listed_in_order [NavGoto];
        a_navigation_within_the_document_keeps_it [NavGoto];
        an_unknown_host_has_its_code [NavGoto];
        a_refused_connection_has_its_code [NavGoto];
        an_answer_without_a_document_is_aborted [NavGoto];
        a_download_is_a_result [NavGoto];
        forbidden_schemes_do_not_reach_the_browser [NavGoto];
        a_scheme_can_be_allowed_for_a_session [NavGoto, SessionCreate];
        a_scheme_that_the_operator_has_not_allowed_is_refused [SessionCreate];
        the_history_goes_back_and_forward [NavBack, NavForward];
        reload_asks_the_server_again [NavReload];
        each_load_state_is_reached [NavGoto];
        a_page_that_asks_before_leaving_stops_the_wait [NavGoto, DialogDismiss, DialogAccept];
        a_click_that_navigates_is_followed_by_reads_of_the_new_page [NavWait, DomTitle];
        a_profile_has_a_plain_name [SessionCreate];
    }
    targets {
        pages_are_opened_listed_used_and_closed [TargetsNew, TargetsList, TargetsUse, TargetsClose];
        a_page_in_the_background_is_not_made_current [TargetsNew, InteractClick];
        a_session_outlives_its_last_page [TargetsClose, TargetsNew];
        an_unknown_page_is_refused_with_those_that_are_there [NavGoto];
        a_popup_belongs_to_the_session_that_opened_it [InteractClick, TargetsList, TargetsUse];
        a_link_to_a_new_tab_is_a_popup [InteractClick, TargetsList];
        a_popup_that_was_blank_is_driven_before_and_after [InteractClick, TargetsUse];
        a_popup_that_closes_itself_is_gone [InteractClick, TargetsUse];
    }
    reads {
        titles_urls_and_texts_are_the_pages_own [DomTitle, DomUrl, DomText];
        markup_is_read_inside_and_outside [DomHtml];
        attributes_values_states_and_boxes_are_read [DomAttr, DomValue, DomState, DomBox];
        secrets_stay_hidden [InteractFill, DomValue, DomSnapshot, DomFind];
        expressions_give_json_or_say_why_not [DomEval];
        the_page_cannot_see_the_bridge [DomEval, DomSnapshot];
        the_page_cannot_break_the_bridge [InteractFill, InteractClick];
        a_strict_policy_does_not_stop_the_bridge [DomSnapshot, InteractFill];
        names_and_roles_are_those_of_the_standard [DomFind, DomSnapshot];
        no_match_and_many_matches_are_results_of_find [DomFind, DomCount];
        an_ambiguous_locator_lists_its_candidates [InteractClick];
        every_kind_of_locator_finds_its_element [DomFind];
        wrong_locators_have_their_codes [DomText, DomFind];
        half_a_character_is_shown_as_replaced [DomTitle, DomText, DomValue, DomSnapshot, DomEval, DiagnosticsConsole, DiagnosticsErrors, DialogDismiss];
    }
    refs {
        an_element_keeps_its_ref [DomSnapshot, DomFind];
        a_navigation_makes_refs_stale [DomSnapshot, InteractClick];
        a_removed_element_is_stale [DomFind, InteractClick];
        no_number_names_a_second_element [DomSnapshot];
        going_back_does_not_revive_refs_of_another_document [DomSnapshot, NavBack];
        a_budget_leaves_out_whole_lines_and_counts_them [DomSnapshot];
        a_cursor_of_another_document_is_stale [DomSnapshot];
        modes_show_what_they_say [DomSnapshot];
        a_snapshot_of_an_element_shows_what_is_in_it [DomSnapshot];
        frames_of_any_depth_and_origin_are_in_one_snapshot [DomSnapshot];
        elements_of_frames_are_clicked_by_ref [DomSnapshot, InteractClick];
        elements_of_frames_are_filled_and_read_by_ref [InteractFill, DomValue];
        many_frames_are_read_at_once [DomSnapshot, InteractClick];
        a_removed_frame_makes_its_refs_stale [InteractClick];
        shadow_roots_are_shown_and_acted_in [DomSnapshot, InteractClick, InteractFill];
        closed_shadow_roots_are_shown_and_acted_in [DomSnapshot, InteractClick, InteractFill];
    }
    acting {
        lists_of_the_pages_own_are_chosen_from [InteractSelect];
        a_choice_that_was_not_made_is_an_error [InteractSelect];
        zoomed_and_scaled_elements_are_hit [InteractClick, InteractFill];
        areas_of_a_picture_are_shown_and_clicked [DomSnapshot, InteractClick];
        what_takes_no_pointer_is_told_as_that [InteractClick];
        a_pane_is_scrolled_until_its_header_is_out_of_the_way [InteractClick];
        what_vanishes_under_the_pointer_is_told_and_nothing_else_clicked [InteractClick];
        what_is_rendered_again_under_the_pointer_is_clicked_once [InteractClick];
        whatever_a_click_comes_to_is_in_its_receipt [InteractClick];
        editors_are_typed_into_and_filled [InteractFill, InteractType, InteractPress];
        a_chord_formats_what_is_selected_in_an_editor [InteractPress];
    }
    snapshots {
        a_change_is_the_difference_of_two_snapshots [DomSnapshot];
        a_text_is_found_with_what_it_is_in [DomSnapshot];
        the_parts_of_a_large_page_make_the_whole [DomSnapshot];
        a_snapshot_takes_three_steps_at_most [DomSnapshot];
        states_hints_and_owners_are_shown [DomSnapshot, InteractClick];
    }
    click {
        a_plain_click_is_told_as_it_was [InteractClick];
        a_click_that_changes_nothing_says_so [InteractClick];
        a_link_is_followed_and_the_receipt_says_where [InteractClick];
        a_route_within_the_document_is_a_navigation_without_a_new_one [InteractClick];
        a_covered_element_is_not_clicked [InteractClick];
        a_click_waits_for_what_covers_for_a_moment [InteractClick];
        what_lets_clicks_through_or_covers_half_is_no_obstacle [InteractClick];
        a_moving_element_is_clicked_once [InteractClick];
        an_element_that_is_replaced_again_and_again_is_clicked_once [InteractClick];
        an_element_that_is_replaced_on_press_is_pressed_once [InteractClick];
        an_element_that_flees_is_an_error_and_nothing_is_clicked [InteractClick];
        an_element_that_changes_places_is_still_the_one [InteractClick];
        disabled_and_hidden_elements_have_their_codes [InteractClick];
        button_count_modifiers_and_position_are_real [InteractClick];
        hovering_moves_the_mouse_there [InteractHover];
        what_is_far_down_is_scrolled_to [InteractClick];
        a_link_to_a_download_is_told [InteractClick];
    }
    pointer {
        a_card_is_dragged_natively_and_both_ends_are_told [InteractDrag];
        a_target_that_is_far_down_is_reached [InteractDrag];
        a_drop_that_the_page_does_not_take_is_an_error [InteractDrag];
        what_follows_the_mouse_is_dragged_without_a_drop [InteractDrag];
        an_end_that_is_not_there_is_an_error_before_anything_is_pressed [InteractDrag];
        a_drag_goes_from_point_to_point [PointerDrag];
        the_mouse_is_moved_pressed_and_released_step_by_step [PointerMove, PointerDown, PointerUp];
        the_wheel_turns_where_the_mouse_is [PointerWheel];
        a_tap_is_a_touch_and_a_click [InteractTap];
        wrong_points_and_steps_are_refused_by_name [PointerMove];
    }
    network {
        requests_are_logged_with_what_is_known_of_them [DiagnosticsNetwork, NetworkWait];
        secrets_are_hidden_unless_asked_for [DiagnosticsNetwork];
        bodies_are_read_and_cut [DiagnosticsNetwork];
        redirects_and_failures_are_entries_of_their_own [DiagnosticsNetwork];
        a_response_is_waited_for_with_its_action_in_a_batch [BatchRun];
        a_wait_runs_beside_the_page_queue [NetworkWait];
        a_request_is_answered_without_a_server [NetworkRoute];
        a_request_is_refused_or_changed [NetworkRoute];
        rules_hold_for_frames_popups_and_workers [NetworkRoute];
        rules_are_taken_back [NetworkRoute, NetworkUnroute];
        headers_are_added_to_every_request [NetworkSetHeaders];
        the_network_is_taken_away_and_given_back [NetworkOffline];
        a_slow_network_is_slow [NetworkOffline];
        credentials_are_given_to_those_who_ask [NetworkCredentials];
        a_request_that_nobody_decides_on_goes_on [NetworkRoute];
        an_archive_is_valid_and_hides_secrets [ExportHar];
        wrong_rules_are_refused_by_name [NavGoto];
    }
    files {
        a_download_is_kept_and_read_as_bytes [DownloadsWait, DownloadsSave, DownloadsList];
        a_big_file_is_read_part_by_part [DownloadsSave];
        a_download_that_breaks_off_is_told [DownloadsWait, DownloadsSave, DownloadsList];
        downloads_that_are_not_there_have_their_codes [DownloadsList, DownloadsSave, DownloadsWait];
        a_download_in_a_new_tab_is_told_by_the_click [DownloadsWait];
        files_reach_the_server_as_they_were_given [InteractUpload];
        a_chooser_that_a_click_opens_takes_files [InteractUpload, InteractClick];
        files_are_taken_back [InteractUpload];
        what_takes_no_files_is_refused [InteractUpload];
    }
    dialogs {
        a_click_that_opens_one_returns_and_the_page_waits [InteractClick, DialogStatus, DialogAccept];
        one_is_answered_over_the_control_lane_while_a_command_runs [InteractClick, DialogAccept];
        a_prompt_takes_a_text [DialogAccept, DialogDismiss];
        one_after_another_is_answered_one_by_one [DialogStatus, DialogAccept, DialogDismiss];
        without_one_there_is_nothing_to_answer [DialogStatus, DialogAccept, DialogDismiss];
        a_policy_answers_by_itself [SessionCreate, InteractClick];
        one_that_opens_under_a_wait_ends_it [NavWait, DialogDismiss];
        the_policy_is_changed_while_the_session_runs [DialogPolicy, DialogAccept, InteractClick];
    }
    forms {
        every_text_like_input_takes_its_value [InteractFill, DomValue];
        a_masked_input_keeps_its_signs [InteractFill];
        a_value_that_was_not_taken_is_an_error [InteractFill];
        what_takes_no_value_is_refused [InteractFill];
        clear_empties_a_control [InteractClear];
        boxes_are_checked_and_unchecked [InteractCheck, InteractUncheck, DomState];
        options_are_selected_by_value_label_or_place [InteractSelect, DomValue];
        typing_goes_through_real_key_events [InteractType];
        keys_and_chords_are_pressed [InteractPress, InteractFocus];
        enter_submits_and_the_receipt_tells [InteractPress];
        a_submit_button_submits_once [InteractClick];
        text_goes_to_a_frame_whose_page_leaves_it_the_focus [InteractType, InteractFill, InteractPress];
        text_for_a_frame_reaches_nobody_else [InteractType, InteractFill, InteractPress];
        text_for_a_field_reaches_no_other_field [InteractType, InteractFill, InteractPress];
        keys_after_a_tab_follow_the_focus [InteractType];
    }
    views {
        scrolling_tells_from_where_to_where [InteractScroll];
        containers_scroll_on_their_own [InteractScroll];
        an_element_is_scrolled_into_view [InteractScrollIntoView, DomBox];
        each_thing_can_be_waited_for [NavWait];
        a_wait_in_vain_is_a_timeout [NavWait];
        a_wait_survives_a_navigation [NavWait];
        pictures_have_the_size_of_what_they_show [ExportScreenshot];
        pictures_come_in_each_format [ExportScreenshot];
        a_page_in_the_background_is_pictured [ExportScreenshot];
        console_messages_are_read_from_a_cursor_on [DiagnosticsConsole];
        uncaught_exceptions_are_read [DiagnosticsErrors];
        a_batch_gives_each_command_its_result [BatchRun];
        a_batch_is_checked_before_it_begins [BatchRun];
    }
    documents {
        a_page_is_printed_on_the_paper_asked_for [ExportPdf];
        a_page_that_the_document_has_not_is_refused [ExportPdf];
        the_whole_document_has_its_shadow_roots_and_no_passwords [ExportHtml];
        the_refs_on_a_picture_are_those_of_commands [ExportScreenshot];
        a_page_is_measured [DiagnosticsPerformance];
        a_named_page_is_opened_once [TargetsNamed];
        a_clone_of_a_page_stands_alone [ExportClonePage];
        a_clone_of_an_element_looks_like_it [ExportCloneComponent];
        a_trace_is_recorded_and_read_part_by_part [DiagnosticsTrace];
    }
    storage {
        cookies_are_set_as_asked_and_reach_the_server [StorageCookiesSet, StorageCookiesGet];
        a_cookie_that_the_browser_refuses_is_an_error [StorageCookiesSet];
        cookies_are_cleared_by_name_and_all_at_once [StorageCookiesClear, StorageCookiesSet];
        web_storage_is_the_pages_own [StorageLocalGet, StorageLocalSet, StorageLocalClear, StorageSessionGet, StorageSessionSet, StorageSessionClear];
        what_does_not_fit_is_an_error_that_says_so [StorageLocalSet];
        a_state_logs_a_user_in_again [StorageStateExport, StorageStateImport];
        a_state_in_a_blob_is_the_same_as_one_in_the_request [StorageStateImport];
        a_state_is_what_a_new_session_begins_with [SessionCreate, StorageStateExport];
    }
    emulation {
        a_viewport_holds_for_every_page [EmulationViewport];
        the_whole_of_a_large_viewport_takes_input [EmulationViewport, InteractClick];
        a_touch_screen_is_seen_by_pages [EmulationViewport];
        a_device_agrees_with_itself [EmulationDevice];
        the_place_is_told_to_who_may_know_it [EmulationGeolocation, EmulationPermissions];
        a_locale_reaches_dates_scripts_and_servers [EmulationLocale];
        a_timezone_moves_the_clock [EmulationTimezone];
        media_features_add_up_until_they_are_reset [EmulationMedia];
        a_user_agent_reaches_pages_and_servers [EmulationUserAgent];
        a_user_agent_brings_its_client_hints [EmulationUserAgent];
        a_new_browser_is_as_the_lost_one_was [EmulationTimezone];
        a_session_begins_as_it_was_asked_for [SessionCreate];
        a_session_that_can_not_be_so_is_not_made [SessionCreate];
    }
    faults {
        a_browser_killed_under_a_command_is_told_at_once [DomEval, TargetsList, SessionStatus];
        a_browser_killed_between_commands_is_told_once [DomTitle];
        a_killed_browser_takes_only_its_own_sessions [SessionStatus];
        a_crashed_renderer_is_told_and_revived [NavGoto, TargetsList];
        a_page_that_loops_for_ever_blocks_nobody_else [DomEval, TargetsClose];
        a_long_wait_of_one_session_does_not_hold_up_another [NavWait];
    }
}
