using Microsoft.Data.Sqlite;

namespace Tupelo.Bench;

/// <summary>Files as rows of a table, the way applications keep them in SQLite: WAL, prepared statement, a transaction for 1,000 rows.</summary>
internal static class SqliteFiles
{
    private const int BatchRows = 1000;

    public static long Create(string path, int count, byte[] content)
    {
        foreach (string suffix in new[] { "", "-wal", "-shm" })
        {
            File.Delete(path + suffix);
        }
        var paths = new FileSet("/one/", FileSet.Shuffled(count), VfsSuite.PerDirectory);
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        Run(connection, "PRAGMA journal_mode=WAL");
        Run(connection, "PRAGMA synchronous=NORMAL");
        Run(connection, "CREATE TABLE files (path TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID");
        for (int first = 0; first < count; first += BatchRows)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO files VALUES ($path, $content)";
            SqliteParameter name = insert.Parameters.Add("$path", SqliteType.Text);
            insert.Parameters.AddWithValue("$content", content);
            for (int i = first; i < Math.Min(count, first + BatchRows); i++)
            {
                name.Value = paths.Strings[i];
                _ = insert.ExecuteNonQuery();
            }
            transaction.Commit();
        }
        Run(connection, "PRAGMA wal_checkpoint(FULL)");
        return count;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        _ = command.ExecuteNonQuery();
    }
}
