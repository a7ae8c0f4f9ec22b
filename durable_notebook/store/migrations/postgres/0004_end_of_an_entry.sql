-- Whether an entry ends its run. A row that is no JSON does not, and is no error.
CREATE FUNCTION durable_is_end(entry TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(json_typeof(entry::json -> 'end') <> 'null', false);
EXCEPTION WHEN others THEN
    RETURN false;
END
$$;
