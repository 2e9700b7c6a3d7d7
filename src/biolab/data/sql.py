"""A query's result as a lazy frame."""

import polars as pl

from biolab.core import DataError


def scan_sql(query: str, uri: str) -> pl.LazyFrame:
    """Run a query in a database and return its result.

    The database selects, so put column choice and conditions into the query. ``uri`` is SQLAlchemy's:
    ``sqlite:///registry.db``, ``postgresql+psycopg://user@host/db``; its password never appears in an error.

    >>> scan_sql("select 52 as age, 2 as grade", "sqlite://").collect().rows()
    [(52, 2)]

    Raises
    ------
    DataError
        If the address cannot be understood or reached, the query fails, or two of its columns have one name.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        url = make_url(uri)
    except SQLAlchemyError as error:
        raise DataError("The database address cannot be understood; expected sqlite:///file.db or the like.") from error
    shown = url.render_as_string(hide_password=True)
    try:
        engine = create_engine(url)
    except (SQLAlchemyError, ImportError) as error:
        raise DataError(
            f"{shown}: no driver for {url.drivername!r} ({error}). Install the database's package."
        ) from error
    try:
        with engine.connect() as connection:
            return pl.read_database(query, connection, infer_schema_length=None).lazy()
    except DBAPIError as error:
        raise DataError(f"{shown}: the query failed: {error.orig}. The query was: {query}") from error
    except SQLAlchemyError as error:
        raise DataError(f"{shown} cannot be read: {error}") from error
    except pl.exceptions.DuplicateError as error:
        raise DataError(f"{shown}: two columns of the query have one name. Rename one with 'as': {query}") from error
    finally:
        engine.dispose()
