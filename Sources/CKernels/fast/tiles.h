// Every size of tile: rows (two when a pool follows), cells in a row, vectors of output channels.
TILE_ROW(1, 1, 1) TILE_ROW(1, 2, 1) TILE_ROW(1, 3, 1) TILE_ROW(1, 4, 1) TILE_ROW(1, 5, 1) TILE_ROW(1, 6, 1)
TILE_ROW(1, 7, 1) TILE_ROW(1, 8, 1) TILE_ROW(1, 9, 1) TILE_ROW(1, 10, 1) TILE_ROW(1, 11, 1) TILE_ROW(1, 12, 1)
TILE_ROW(1, 1, 2) TILE_ROW(1, 2, 2) TILE_ROW(1, 3, 2) TILE_ROW(1, 4, 2) TILE_ROW(1, 5, 2) TILE_ROW(1, 6, 2)
TILE_ROW(1, 1, 3) TILE_ROW(1, 2, 3) TILE_ROW(1, 3, 3) TILE_ROW(1, 4, 3) TILE_ROW(1, 1, 4) TILE_ROW(1, 2, 4)
TILE_ROW(1, 3, 4) TILE_ROW(2, 2, 1) TILE_ROW(2, 4, 1) TILE_ROW(2, 6, 1) TILE_ROW(2, 2, 2) TILE_ROW(2, 2, 3)
#if TILES_OF_24
TILE_ROW(1, 7, 2) TILE_ROW(1, 8, 2) TILE_ROW(1, 9, 2) TILE_ROW(1, 10, 2) TILE_ROW(1, 11, 2) TILE_ROW(1, 12, 2)
TILE_ROW(1, 5, 3) TILE_ROW(1, 6, 3) TILE_ROW(1, 7, 3) TILE_ROW(1, 8, 3) TILE_ROW(1, 4, 4) TILE_ROW(1, 5, 4)
TILE_ROW(1, 6, 4) TILE_ROW(2, 8, 1) TILE_ROW(2, 10, 1) TILE_ROW(2, 12, 1) TILE_ROW(2, 4, 2) TILE_ROW(2, 6, 2)
TILE_ROW(2, 4, 3) TILE_ROW(2, 2, 4)
#endif

#if TILES_OF_24
#define LARGE(R, Q, O) tile_row_##R##_##Q##_##O
#else
#define LARGE(R, Q, O) 0
#endif
// By rows - 1, vectors - 1 and cells - 1.
static const tile_row_function tile_rows[2][4][12] = {
    {
        {tile_row_1_1_1, tile_row_1_2_1, tile_row_1_3_1, tile_row_1_4_1, tile_row_1_5_1, tile_row_1_6_1,
         tile_row_1_7_1, tile_row_1_8_1, tile_row_1_9_1, tile_row_1_10_1, tile_row_1_11_1, tile_row_1_12_1},
        {tile_row_1_1_2, tile_row_1_2_2, tile_row_1_3_2, tile_row_1_4_2, tile_row_1_5_2, tile_row_1_6_2,
         LARGE(1, 7, 2), LARGE(1, 8, 2), LARGE(1, 9, 2), LARGE(1, 10, 2), LARGE(1, 11, 2), LARGE(1, 12, 2)},
        {tile_row_1_1_3, tile_row_1_2_3, tile_row_1_3_3, tile_row_1_4_3, LARGE(1, 5, 3), LARGE(1, 6, 3),
         LARGE(1, 7, 3), LARGE(1, 8, 3)},
        {tile_row_1_1_4, tile_row_1_2_4, tile_row_1_3_4, LARGE(1, 4, 4), LARGE(1, 5, 4), LARGE(1, 6, 4)},
    },
    {
        {0, tile_row_2_2_1, 0, tile_row_2_4_1, 0, tile_row_2_6_1, 0, LARGE(2, 8, 1), 0, LARGE(2, 10, 1), 0,
         LARGE(2, 12, 1)},
        {0, tile_row_2_2_2, 0, LARGE(2, 4, 2), 0, LARGE(2, 6, 2)},
        {0, tile_row_2_2_3, 0, LARGE(2, 4, 3)},
        {0, LARGE(2, 2, 4)},
    },
};
#undef LARGE
