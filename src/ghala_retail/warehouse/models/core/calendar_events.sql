{{ from_sources('calendar_events', ['event', 'day']) }}
