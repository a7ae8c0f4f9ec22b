-- Whether an entry ends its run. A row that is no JSON does not, and is no error; nor is
-- a character that JSON can name and Postgres cannot hold, hence the replacement.
CREATE FUNCTION durable_is_end(entry TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(
        json_typeof(replace(entry, '\u', '\/')::json -> 'end') <> 'null', false
    );
EXCEPTION WHEN others THEN
    RETURN false;
END
$$;
