"""The calls only Pirsch has, one a line: name | method path | title | the parameter that takes the site | query | body.

Types: text unless marked `:int :number :bool :texts :map :maps`; `?` is optional; `from_` is sent as `from`.
`q.` and `b.` say whether the site goes into the query or the body; the caller never names it. `set_*` calls are toggles
at the vendor and take the wanted state: they read first, and do nothing when it is so already.
"""

_FILTERS = (
    "hostname:texts? path:texts? entry_path:texts? exit_path:texts? pattern:texts? event:texts? event_meta_key? "
    "language:texts? country:texts? region:texts? city:texts? referrer:texts? referrer_name:texts? channel:texts? "
    "os:texts? browser:texts? platform? screen_class:texts? utm_source:texts? utm_medium:texts? utm_campaign:texts? "
    "utm_content:texts? utm_term:texts? custom_metric_type? custom_metric_key? tag? meta:map? tags:map?"
)
_STATS = f"from_:date to:date from_time? to_time? tz? start:int? scale? {_FILTERS}"
_LIST = f"{_STATS} offset:int? limit:int? sort? direction? search?"
_FUNNEL = "name steps:maps"
_GOAL = (
    "name path_pattern? event_name? event_meta_key? event_meta_value? custom_metric_key? custom_metric_type? "
    "visitors:int? cr:number? custom_metric_total_goal:number? custom_metric_avg_goal:number? delete_reached:bool? "
    "email_reached:bool?"
)
_SCOPES = (
    "scope_hit? scope_event? scope_session? scope_statistics? scope_domains? scope_organizations? scope_themes? "
    "scope_billing?"
)
_REPORT = "interval:int link_to? visitor_graph:bool? summary:bool? top_pages:bool? top_referrer:bool? top_events:bool?"
_VIEW = (
    "name id? from_? to? from_time? to_time? period:int? compare? compare_from? compare_to? compare_weekday:bool? "
    "path:texts? entry_path:texts? exit_path:texts? pattern:texts? language:texts? country:texts? city:texts? "
    "referrer:texts? referrer_name:texts? os:texts? browser:texts? platform? screen_class:texts? utm_source:texts? "
    "utm_medium:texts? utm_campaign:texts? utm_content:texts? utm_term:texts? event:texts? event_meta_key:texts? "
    "event_meta_value:texts? tag:texts? tag_key:texts? tag_value:texts? visitor_id:int? session_id:int?"
)
CSV_FLAGS = (
    "visitors pages entry_pages exit_pages session_duration growth languages referrer os browser country region city "
    "platform screen utm conversion_goals events tags hostname"
)
_CSV = " ".join(f"{name}:bool?" for name in CSV_FLAGS.split())
_THEME = "name id? copy_id? domain_id? organization_id? settings:map"
_SNIPPET = "type dev:bool? include? exclude? domains? endpoint? sample?"

_OPTIONS = (
    "hostname page referrer referrer/name channel event country region city language metadata utm/source utm/medium "
    "utm/campaign utm/content utm/term tag tag/value"
)
_READ = {
    "total": "Totals of a range", "visitor": "Visitors by day, week, month or year", "hours": "Visitors by hour",
    "minutes": "Visitors by minute", "weekdays": "Visitors by weekday and hour", "growth": "Growth rates",
    "active": "Active visitors and their pages", "duration/session": "Session duration",
    "duration/page": "Time on page", "platform": "Visitors by platform", "goals": "Conversion goals and their visitors",
    "overview": "Visitors, views and members of the dashboard",
}  # fmt: skip
_LISTS = {
    "page": "Pages", "page/entry": "Entry pages", "page/exit": "Exit pages", "event/page": "Pages of an event",
    "events": "Events", "event/meta": "Values of an event's metadata", "event/list": "Events with all metadata",
    "hostname": "Hostnames", "channel": "Channels", "referrer": "Referrers", "language": "Languages",
    "country": "Countries", "region": "Regions", "city": "Cities", "os": "Operating systems",
    "os/version": "Versions of operating systems", "browser": "Browsers", "browser/version": "Versions of browsers",
    "screen": "Screen classes", "tags": "Tag keys", "tag/details": "Values of a tag", "keywords": "Search keywords",
    "session/list": "Sessions", "utm/source": "UTM sources", "utm/medium": "UTM mediums",
    "utm/campaign": "UTM campaigns", "utm/content": "UTM contents", "utm/term": "UTM terms",
}  # fmt: skip


def _name(path: str) -> str:
    return path.replace("/", "_")


STATISTICS = "\n".join(
    [
        *(f"stats_{_name(p)} | GET statistics/{p} | {t} | q.id | {_STATS} |" for p, t in _READ.items()),
        *(f"stats_{_name(p)} | GET statistics/{p} | {t} | q.id | {_LIST} |" for p, t in _LISTS.items()),
        *(f"options_{_name(p)} | GET statistics/options/{p} | Values of {p} | q.id | {_LIST} |"
          for p in _OPTIONS.split()),
        f"stats_funnel | GET statistics/funnel | Steps of a funnel | q.id | funnel_id {_STATS} |",
        f"session_details | GET statistics/session/details | One session | q.id | visitor_id session_id {_STATS} |",
        f"export_csv | GET statistics | Statistics as a zip of CSV | q.id | from_:date to:date {_CSV} |",
        "delete_statistics | DELETE statistics | Delete statistics of a range | b.id | | kind from_:date to:date",
    ]
)  # fmt: skip

MANAGEMENT = f"""
domain | GET domain | The dashboard | q.id | |
reset_identification_code | PUT domain | Reset the identification code | b.id | |
set_hostname | POST domain/hostname | Change the hostname | b.domain_id | | hostname
set_subdomain | POST domain/subdomain | Change the subdomain | b.domain_id | | subdomain
set_timezone | POST domain/timezone | Change the time zone | b.domain_id | | timezone
set_active_seconds | POST domain/active | Seconds a visitor counts as active | b.domain_id | | time:int
set_metadata | POST domain/metadata | Replace the dashboard's metadata | b.domain_id | | metadata:map
toggle_noindex | PUT domain/noindex | Toggle indexing by search engines | b.domain_id | |
favorite | POST user/favorite | Make the dashboard the favourite | b.id | |
pin | POST user/pin | Pin the dashboard | b.id | |
toggle_active_in_title | POST user/active | Toggle active visitors in the page title | | |
toggle_full_width | POST user/fullwidth | Toggle full width | | |
access_links | GET domain/link | Access links | q.domain_id | |
create_access_link | POST domain/link | Create an access link | b.domain_id | | description valid_until?
update_access_link | PUT domain/link | Change an access link | | | id description valid_until?
delete_access_link | DELETE domain/link | Delete an access link | | id |
set_base_theme | PUT domain/theme | Set the dashboard's base theme | b.domain_id | | theme_id
set_theme_settings | POST domain/theme | Change the dashboard's theme settings | b.domain_id | | settings:map
set_custom_domain | POST domain/custom | Set a custom domain | b.domain_id | | hostname
custom_domain_exists | GET domain/custom | Whether a custom domain is taken | | domain |
members | GET member | Members | q.id | |
invite_members | POST member | Invite members | b.id | | emails:texts
set_member_role | PUT member | Change a member's role | | | id role
remove_member | DELETE member | Remove a member | | id |
invitations | GET invitation | Invitations | q.domain_id | |
accept_invitation | POST invitation | Accept an invitation | | | id
delete_invitation | DELETE invitation | Delete an invitation | b.domain_id | | id
alternative_domains | GET domain/alternative | Alternative domains | q.domain_id | |
create_alternative_domain | POST domain/alternative | Add an alternative domain | b.domain_id | | hostname
update_alternative_domain | PUT domain/alternative | Change an alternative domain | | | id hostname
delete_alternative_domain | DELETE domain/alternative | Delete an alternative domain | | id |
snippet | GET domain/snippet | A snippet's settings | q.domain_id | type |
set_snippet | POST domain/snippet | Change a snippet's settings | b.domain_id | | {_SNIPPET}
clients | GET client | API clients | q.id | |
create_client | POST client | Create an API client | b.domain_id | | type description {_SCOPES}
update_client | POST client | Change a client's description | | | id description
delete_client | DELETE client | Delete an API client | | id |
reports | GET report | E-mail reports | q.id | |
create_reports | POST report | Create e-mail reports | b.domain_id | | emails:texts {_REPORT}
update_report | PUT report | Change an e-mail report | | | id {_REPORT}
delete_report | DELETE report | Delete an e-mail report | | id |
webhooks | GET webhook | Webhooks | q.domain_id | |
save_webhook | POST webhook | Create, change or reactivate a webhook | b.domain_id | | id? description? event endpoint
delete_webhook | DELETE webhook | Delete a webhook | | id |
traffic_filters | GET filter | Traffic filters | q.domain_id | |
save_traffic_filter | POST filter | Create or change a traffic filter | b.domain_id | | id? type description? filter
delete_traffic_filter | DELETE filter | Delete a traffic filter | | id |
toggle_traffic_spike | PUT traffic/spike | Toggle alerts of traffic spikes | b.domain_id | |
set_traffic_spike | POST traffic/spike | Visitors at once that are a spike | b.domain_id | | threshold:int
toggle_traffic_warning | PUT traffic/warning | Toggle warnings of missing traffic | b.domain_id | |
set_traffic_warning | POST traffic/warning | Days without traffic until a warning | b.domain_id | | threshold:int
goals | GET goal | Conversion goals | q.id | search? |
create_goal | POST goal | Create a conversion goal | b.domain_id | | {_GOAL}
update_goal | PUT goal | Change a conversion goal | b.domain_id | | id {_GOAL}
delete_goal | DELETE goal | Delete a conversion goal | | id |
test_goal_regex | POST goal/regex | Try a regular expression | | | regex sample
funnels | GET funnel | Funnels | q.id | search? |
save_funnel | POST funnel | Create or replace a funnel | b.domain_id | | id? {_FUNNEL}
delete_funnel | DELETE funnel | Delete a funnel | | id |
views | GET view | Saved views | q.domain_id | search? |
save_view | POST view | Create or change a saved view | b.domain_id | | {_VIEW}
delete_view | DELETE view | Delete a saved view | | id |
organizations | GET organization | Organizations | | search? |
create_organization | POST organization | Create an organization | | | name
rename_organization | PUT organization | Rename an organization | | | id name
delete_organization | DELETE organization | Delete an organization | | id delete_domains:bool? |
set_organization_theme | PUT organization/theme | Default theme of an organization | | | organization_id theme_id
organization_domains | GET organization/domain | Dashboards of an organization | | id search? |
join_organization | POST organization/domain | Put the dashboard into an organization | b.domain_id | | id
leave_organization | DELETE organization/domain | Take the dashboard out of an organization | q.domain_id | id |
add_auto_join | POST organization/autojoin | Hostnames whose people join | | | id auto_join:texts
remove_auto_join | DELETE organization/autojoin | Remove a hostname of auto-join | | id auto_join |
themes | GET theme | Themes | | search? include_organizations:bool? organization_id? subdomain? domain? |
save_theme | POST theme | Create, change or copy a theme | | | {_THEME}
delete_theme | DELETE theme | Delete a theme | | id keep_settings:bool? |
delete_theme_file | DELETE theme/file | Delete a logo or icon of the dashboard | q.domain_id | file |
import_job | GET import | The running import | q.domain_id | |
cancel_import | DELETE import | Cancel the running import | q.domain_id | |
google_import_job | GET google/import/job | The running import from Google Analytics | q.domain_id | |
cancel_google_import | DELETE google/import/job | Cancel the import from Google Analytics | q.domain_id | |
google_profiles | GET google/import/profile | Profiles of the connected Google account | q.domain_id | |
import_google | POST google/import | Import from Google Analytics | b.domain_id | | property from_:date to:date
import_plausible | POST import/plausible | Import Plausible's CSV export | b.domain | | zip_base64
import_fathom | POST import/fathom | Import Fathom's CSV export | b.domain | | zip_base64
usage | GET billing | Page views used, by dashboard | | from_:date? to:date? |
"""

SWITCHES = """
set_public | POST domain/public | Make the dashboard public, or private | public
set_scripts_disabled | POST domain/scripts | Refuse, or take, traffic of scripts | disable_scripts
set_group_by_title | POST domain/title | Group pages by title too, or not | group_by_title
"""
"""Toggles whose state can be read: name | method path | title | field of the dashboard."""
