global using Tupelo.Block;
