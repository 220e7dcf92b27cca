namespace Tupelo.Abi.Tests;

/// <summary>Names, numbers and texts of errors are the host's, which must be Linux.</summary>
public sealed class ErrnoTests
{
    private const int Highest = 133; // EHWPOISON, the highest of all

    [Fact]
    public void EveryNumber_HasTheHostsName()
    {
        foreach (string name in Enum.GetNames<Errno>().Where(name => name != nameof(Errno.None)))
        {
            string expected = name switch { nameof(Errno.EWOULDBLOCK) => "EAGAIN", nameof(Errno.ENOTSUP) => "EOPNOTSUPP", _ => name };
            string? host = HostLibrary.ErrorName((int)Enum.Parse<Errno>(name));
            Assert.Equal(expected, host == "ENOTSUP" ? "EOPNOTSUPP" : host); // two names for one number
        }
    }

    [Fact]
    public void EveryNumberOfTheHost_IsKnown()
    {
        string[] missing = [.. Enumerable.Range(1, Highest)
            .Where(number => HostLibrary.ErrorName(number) is not null && !Enum.IsDefined((Errno)number))
            .Select(number => HostLibrary.ErrorName(number)!)];
        Assert.Equal(["EHWPOISON"], missing); // memory that is broken: no file system says so
    }

    [Fact]
    public void EveryText_IsTheHosts()
    {
        for (int number = 0; number <= Highest + 20; number++)
        {
            if (number != 133)
            {
                Assert.Equal(HostLibrary.ErrorText(number), ((Errno)number).Describe());
            }
        }
        Assert.Equal("Unknown error -1", ((Errno)(-1)).Describe());
    }

    [Fact]
    public void Aliases_AreTheSameNumber()
    {
        Assert.Equal(Errno.EAGAIN, Errno.EWOULDBLOCK);
        Assert.Equal(Errno.EOPNOTSUPP, Errno.ENOTSUP);
        Assert.Equal(0, (int)Errno.None);
    }
}
