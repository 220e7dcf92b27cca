using System.Text;

namespace Tupelo.Tfs.Tests;

public sealed class TupleStoreTests
{
    [Theory]
    [InlineData(1, 20)]
    [InlineData(2, 400)]
    [InlineData(3, 5000)]
    public void RandomSetsAndRemovals_MatchADictionary(int seed, int names)
    {
        var random = new Random(seed);
        var store = new TupleStore();
        int[] tuples = [.. Enumerable.Range(0, 7).Select(i => store.NewTuple(false, i * 4))];
        var models = tuples.Select(_ => new Dictionary<int, (TfsValueKind Kind, ulong Value)>()).ToArray();
        int[] symbols = [.. Enumerable.Range(0, names).Select(i => store.Symbols.Intern(Encoding.ASCII.GetBytes($"name{i}")))];
        for (int step = 0; step < 40_000; step++)
        {
            int which = random.Next(tuples.Length);
            int symbol = symbols[random.Next(which == 0 ? Math.Min(names, 12) : names)];
            if (random.Next(3) == 0)
            {
                Assert.Equal(models[which].Remove(symbol), store.Remove(tuples[which], symbol));
            }
            else
            {
                var kind = (TfsValueKind)random.Next(1, 5);
                ulong value = (ulong)random.NextInt64();
                Assert.Equal(models[which].ContainsKey(symbol), store.Set(tuples[which], symbol, kind, value));
                models[which][symbol] = (kind, value);
            }
        }
        for (int which = 0; which < tuples.Length; which++)
        {
            Assert.Equal(models[which].Count, store.CountOf(tuples[which]));
            var found = new Dictionary<int, (TfsValueKind, ulong)>();
            foreach (AttributeSlot slot in store.SlotsOf(tuples[which]))
            {
                if (!slot.IsVacant)
                {
                    found.Add(slot.Symbol, (slot.Kind, slot.Value));
                }
            }
            Assert.Equal(models[which], found);
            foreach (int symbol in symbols)
            {
                AttributeSlot slot = store.Get(tuples[which], symbol);
                Assert.Equal(models[which].GetValueOrDefault(symbol), (slot.Kind, slot.Value));
            }
        }
    }

    [Fact]
    public void AttributesOfASmallTuple_KeepTheirOrderOverRemovals()
    {
        var store = new TupleStore();
        int tuple = store.NewTuple(false, 0);
        int[] symbols = [.. "abcdef".Select(c => store.Symbols.Intern([(byte)c]))];
        foreach (int symbol in symbols)
        {
            Assert.False(store.Set(tuple, symbol, TfsValueKind.Integer, (ulong)symbol));
        }
        Assert.True(store.Remove(tuple, symbols[2]));
        int[] left = [.. store.SlotsOf(tuple).ToArray().Select(slot => slot.Symbol)];
        Assert.Equal([symbols[0], symbols[1], symbols[3], symbols[4], symbols[5]], left);
    }

    [Fact]
    public void Symbols_OfEveryLengthAndHalfAMillionNames_AreFoundAgain()
    {
        var store = new TupleStore();
        var name = new byte[3 << 20];
        new Random(5).NextBytes(name);
        int[] lengths = [.. Enumerable.Range(0, 300), 4095, 65_535, 1 << 20, (1 << 20) - 3, 3 << 20];
        int[] numbers = [.. lengths.Select(length => store.Symbols.Intern(name.AsSpan(0, length)))];
        for (int i = 0; i < 500_000; i++)
        {
            _ = store.Symbols.Intern(BitConverter.GetBytes(i));
        }
        for (int i = 0; i < lengths.Length; i++)
        {
            Assert.Equal(numbers[i], store.Symbols.Find(name.AsSpan(0, lengths[i])));
            Assert.True(store.Symbols.NameOf(numbers[i]).SequenceEqual(name.AsSpan(0, lengths[i])));
        }
        for (int i = 0; i < 500_000; i += 997)
        {
            Assert.True(store.Symbols.NameOf(store.Symbols.Find(BitConverter.GetBytes(i))).SequenceEqual(BitConverter.GetBytes(i)));
        }
        Assert.Equal(0, store.Symbols.Find("no such name"u8));
    }

    [Fact]
    public void Numbers_AreReadFromIntegersAndDecimalText_AndFromNothingElse()
    {
        var store = new TupleStore();
        Assert.True(store.TryGetNumber(new AttributeSlot(1, TfsValueKind.Integer, ulong.MaxValue), out ulong number));
        Assert.Equal(ulong.MaxValue, number);
        Assert.True(store.TryGetNumber(new AttributeSlot(1, TfsValueKind.String, store.StoreBytes("18446744073709551615"u8)), out number));
        Assert.Equal(ulong.MaxValue, number);
        Assert.True(store.TryGetNumber(new AttributeSlot(1, TfsValueKind.Buffer, store.StoreBytes("12"u8)), out number));
        Assert.Equal(12UL, number);
        foreach (string text in (string[])["", "x", "1x", " 1", "-1", "18446744073709551616"])
        {
            Assert.False(store.TryGetNumber(new AttributeSlot(1, TfsValueKind.String, store.StoreBytes(Encoding.ASCII.GetBytes(text))), out _), text);
        }
        Assert.False(store.TryGetNumber(new AttributeSlot(1, TfsValueKind.NegativeInteger, 1), out _));
        Assert.False(store.TryGetNumber(default, out _));
    }
}
