using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>Numbers, headers and records byte for byte: the examples of the format's description, a golden log made again, and a second
/// encoder that knows nothing of the first.</summary>
public sealed class RoundTripPrimitiveTests
{
    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7f")]
    [InlineData(128, "8100")]
    [InlineData(1024, "8800")]
    [InlineData(3073, "9801")]
    [InlineData(7710336961076252460, "eb80a7d3d6fc8f9e2c")]
    [InlineData(ulong.MaxValue, "81ffffffffffffffff7f")]
    public void Varint_IsAsTheFormatShows(ulong value, string expected)
    {
        Span<byte> bytes = stackalloc byte[TfsVarint.MaxBytes];
        int length = TfsVarint.Write(bytes, value);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes[..length]));
        Assert.Equal(length, TfsVarint.LengthOf(value));
        Assert.True(TfsVarint.TryRead(bytes[..length], out ulong read, out int consumed));
        Assert.Equal((value, length), (read, consumed));
    }

    [Fact]
    public void Varint_OfEveryLength_IsAsTheSecondEncoderWritesIt()
    {
        Span<byte> bytes = stackalloc byte[TfsVarint.MaxBytes];
        for (int bit = 0; bit < 64; bit++)
        {
            foreach (ulong value in (ReadOnlySpan<ulong>)[(1UL << bit) - 1, 1UL << bit, (1UL << bit) + 1])
            {
                var expected = new List<byte>();
                LogDocument.AddVarint(expected, value);
                Assert.Equal(expected.ToArray(), bytes[..TfsVarint.Write(bytes, value)].ToArray());
            }
        }
    }

    [Theory]
    [InlineData("80")] // cut off
    [InlineData("")]
    [InlineData("8180808080808080808000")] // eleven bytes
    [InlineData("82ffffffffffffffff7f")] // 65 bits
    public void Varint_ThatIsNone_IsRefused(string bytes) =>
        Assert.False(TfsVarint.TryRead(Convert.FromHexString(bytes), out _, out _));

    [Fact]
    public void Header_OfEveryTypeAndNumber_IsAsTheSecondEncoderWritesIt()
    {
        Span<byte> bytes = stackalloc byte[TupleEncoder.MaxHeaderBytes];
        IEnumerable<uint> numbers = Enumerable.Range(0, 2100).Select(number => (uint)number)
            .Concat(Enumerable.Range(3, 29).SelectMany(bit => new[] { (1u << bit) - 1, 1u << bit, (1u << bit) + 1 }))
            .Append(uint.MaxValue);
        foreach (uint number in numbers)
        {
            foreach (TfsValueType type in Enum.GetValues<TfsValueType>())
            {
                foreach (bool immediate in (ReadOnlySpan<bool>)[false, true])
                {
                    byte[] expected = LogDocument.Encode([new LogToken(LogTokenKind.StringHeader, immediate, (int)type, number)], 5);
                    int length = TupleEncoder.WriteHeader(bytes, immediate, type, number);
                    Assert.Equal(expected, bytes[..length].ToArray());
                    Header read = new TupleReader(bytes[..length], old: false, offsetBytes: -1).ReadHeader();
                    Assert.Equal(new Header(immediate, type, number), read);
                }
            }
        }
    }

    [Fact]
    public void Values_AreAsTheFormatShows()
    {
        Assert.Equal("b000", Encoded(encoder => encoder.Integer(0)));
        Assert.Equal("b00f", Encoded(encoder => encoder.Integer(15)));
        Assert.Equal("b12a", Encoded(encoder => encoder.Integer(42, negative: true)));
        Assert.Equal("b0eb80a7d3d6fc8f9e2c", Encoded(encoder => encoder.Integer(7710336961076252460)));
        Assert.Equal("8100", Encoded(encoder => encoder.Null()));
        Assert.Equal("80", Encoded(encoder => encoder.Removal()));
        Assert.Equal("c80a2f68656c6c6f2e747874", Encoded(encoder => encoder.String("/hello.txt"u8)));
        Assert.Equal("c0", Encoded(encoder => encoder.String([])));
        Assert.Equal("8668656c6c6f21", Encoded(encoder => _ = encoder.Symbol("hello!"u8)));
        Assert.Equal("88086368696c6472656e", Encoded(encoder => _ = encoder.Symbol("children"u8)));
    }

    [Fact]
    public void LogOfTheGoldenWithOneFile_IsEncodedByteForByte()
    {
        IndependentLog golden = IndependentLog.Replay(new ImageBytes(GoldenImage.Load("02-one-file").Bytes));
        var encoder = new TupleEncoder();

        Assert.Equal(1u, encoder.Tuple(2));
        Assert.Equal(2u, encoder.Symbol("children"u8));
        Assert.Equal(3u, encoder.Tuple(1));
        Assert.Equal(4u, encoder.Symbol("hello.txt"u8));
        Assert.Equal(5u, encoder.Tuple(0));
        Assert.Equal(6u, encoder.Symbol("program"u8));
        encoder.String("/hello.txt"u8);
        AssertRecord(golden, 0, encoder);

        encoder.TupleReference(5, 1);
        Assert.Equal(7u, encoder.Symbol("extents"u8));
        Assert.Equal(8u, encoder.Tuple(0));
        AssertRecord(golden, 1, encoder);

        encoder.TupleReference(8, 1);
        Assert.Equal(9u, encoder.Symbol("0"u8));
        Assert.Equal(10u, encoder.Tuple(3));
        Assert.Equal(11u, encoder.Symbol("allocated"u8));
        encoder.Integer(1);
        Assert.Equal(12u, encoder.Symbol("offset"u8));
        encoder.Integer(3073);
        Assert.Equal(13u, encoder.Symbol("length"u8));
        encoder.Integer(1);
        AssertRecord(golden, 2, encoder);

        encoder.TupleReference(5, 1);
        Assert.Equal(14u, encoder.Symbol("filelength"u8));
        encoder.Integer(15);
        AssertRecord(golden, 3, encoder);

        Assert.Equal(4, golden.Records.Count);
        Assert.Equal(
            ["children", "hello.txt", "program", "extents", "0", "allocated", "offset", "length", "filelength"],
            golden.Dictionary.Skip(1).OfType<string>());
    }

    [Fact]
    public void KnownSymbolsAndTuples_TakeNoNumber()
    {
        var encoder = new TupleEncoder();
        uint tuple = encoder.Tuple(2);
        uint symbol = encoder.Symbol("a"u8);
        Assert.Equal(symbol, encoder.Symbol("a"u8));
        encoder.String("a"u8);
        encoder.Integer(1);
        encoder.Null();
        encoder.Removal();
        encoder.TupleReference(tuple, 0);
        Assert.Equal(symbol + 1, encoder.NextIndex);
        Assert.Equal(symbol + 1, encoder.Vector(0));
        Assert.Equal(symbol + 2, encoder.Symbol("b"u8));
    }

    private static void AssertRecord(IndependentLog golden, int number, TupleEncoder encoder)
    {
        IndependentFrame frame = golden.Frames[golden.Records[number].FirstFrame];
        byte[] expected = golden.Extensions[frame.Extension].Content.AsSpan(frame.Position + frame.HeaderBytes, (int)frame.Here).ToArray();
        Assert.Equal(Convert.ToHexStringLower(expected), Convert.ToHexStringLower(encoder.Record));
        encoder.Clear();
    }

    private static string Encoded(Action<TupleEncoder> encode)
    {
        var encoder = new TupleEncoder();
        encode(encoder);
        return Convert.ToHexStringLower(encoder.Record);
    }
}
